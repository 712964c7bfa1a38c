// Prints what work.mjs measures, as JSON; with "fast" as its argument, by the kernels of fastMath.
import { measure } from './work.mjs';

console.log(JSON.stringify(measure(process.argv[2] === 'fast')));
