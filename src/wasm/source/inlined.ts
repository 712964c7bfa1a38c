import text from '../../../build/kernels.wasm';
import { bytesOf } from '../text';
import type { Refuse } from '../used';

// What stands in the place of this file in the other builds has the same names: tsup.config.ts puts it there.

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the runtime gets its kernels. */
interface Source {
  /** What keeps them from having more than one thread. */
  readonly alone?: string;
  /** The kernels, of which `fit` makes those to compile. */
  compile(fit: (bytes: Bytes) => Bytes): WebAssembly.Module;
}

/** Another build of the library in the same program is for that one to refuse. */
export const refuse: Refuse = false;

export const source = (): Source => ({ compile: (fit) => new WebAssembly.Module(fit(bytesOf(text))) });
