export * from '../index';
export { type KernelSource, loadKernels } from './load';
