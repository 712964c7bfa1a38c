import { kernels } from './kernels.mjs';
import { training } from './training.mjs';

/** What engines are asked to measure, by name. One of them is done in a process or a page of its own. */
export const works = { kernels, training };
