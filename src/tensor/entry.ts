import { ShapeError } from '../errors';
import { tensor } from './create';
import { type Data, flatten } from './literal';
import { type Shape, sameShape, show, sizeOf } from './shape';
import { Tensor } from './tensor';

/** A tensor as a state holds it: itself, or its shape and its elements in order, as JSON has them. */
export type StateEntry = Tensor | { shape: Shape; data: Data };

export function needShape(what: string, { given, needed }: { given: unknown; needed: Shape }): void {
  if (Array.isArray(given) && sameShape(given, needed)) return;
  throw new ShapeError(
    `${what} has shape ${Array.isArray(given) ? show(given) : String(given)}; it must be ${show(needed)}.`,
  );
}

/** A copy of an entry that fits a tensor. */
export function entryValue(what: string, { shape, dtype }: Tensor, entry: StateEntry): Tensor {
  needShape(what, { given: entry?.shape, needed: shape });
  if (entry instanceof Tensor) return entry.to(dtype).clone();
  const { flat } = flatten(entry.data, what);
  const size = sizeOf(shape);
  if (flat.length === size) return tensor(Float64Array.from(flat), { shape, dtype });
  throw new ShapeError(`${what} has ${flat.length} elements; its shape ${show(shape)} needs ${size}.`);
}
