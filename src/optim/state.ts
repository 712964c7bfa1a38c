import { checkNumber, isIndex, ShapeError, StateError } from '../errors';
import { sameShape, show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';

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
  for (const [name, value] of Object.entries(state)) {
    if (!(value instanceof Tensor)) continue;
    if (!sameShape(value.shape, p.shape)) {
      throw new ShapeError(
        `loadStateDict got ${name} of shape ${show(value.shape)} for parameter ${i}; it must be ${show(p.shape)}.`,
      );
    }
    out[name] = value.clone();
  }
  for (const name of needed) {
    if (name in out) continue;
    throw new StateError(
      `loadStateDict got no ${name} for parameter ${i}; it must be the state of an optimizer of the same kind and options.`,
    );
  }
  return out;
}
