import { checkNumber, isIndex, StateError } from '../errors';
import { entryValue } from '../tensor/entry';
import type { Tensor } from '../tensor/tensor';

/** What an optimizer remembers of one parameter. */
export interface ParameterState {
  /** Updates so far. */
  step: number;
  [tensor: string]: Tensor | number;
}

/** A copy of the state of parameter `i`, with all tensors that are needed. */
export function copied(
  i: string,
  state: ParameterState,
  { p, needed }: { p: Tensor; needed: readonly string[] },
): ParameterState {
  checkNumber(`The step of parameter ${i}`, state?.step, isIndex);
  const out: ParameterState = { step: state.step };
  for (const [name, entry] of Object.entries(state)) {
    if (typeof entry === 'object') out[name] = entryValue(`loadStateDict: ${name} of parameter ${i}`, p, entry);
  }
  for (const name of needed) {
    if (name in out) continue;
    throw new StateError(
      `loadStateDict got no ${name} for parameter ${i}; it must be the state of an optimizer of the same kind and options.`,
    );
  }
  return out;
}
