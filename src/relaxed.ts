import text from '../build/kernels-relaxed.wasm';
import type { KernelBuild } from './wasm/runtime';

/**
 * Kernels whose multiply-adds round once, for `configure({ fastMath: relaxed })`. An engine without relaxed SIMD runs the
 * default ones. The bits of a training then depend on engine and processor.
 */
const relaxed: KernelBuild = { build: 'relaxed-simd', text };
export default relaxed;
