import { StateError } from '../../errors';

export function refuse(): never {
  throw new StateError(
    "This program imports from both 'downhill' and 'downhill/slim', which share nothing; take all from one of them.",
  );
}

/** They are handed over, which starts the runtime: who asks for them came too early. */
export function source(): never {
  throw new StateError(
    "The kernels are not there yet: `await loadKernels(source)`, from 'downhill/slim', before anything else.",
  );
}
