import { OptionError, quoted, ShapeError } from '../errors';

/** The sizes of a tensor's axes, the outermost first; [] is one number. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** Throws for an operand that is no tensor. */
export function needTensor(owner: string, value: unknown): void {
  // Tensors of other libraries have a dtype too.
  if ((value as { storage?: object } | undefined)?.storage) return;
  throw new OptionError(`${owner} got ${quoted(value)}, which is no tensor; make one of it with tensor(…).`);
}

/** The strides, in elements, of a contiguous tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides: number[] = new Array(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] as number;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** A shape as it was given, checked. */
export function checkShape(owner: string, shape: unknown): Shape {
  if (Array.isArray(shape) && shape.every((d) => Number.isInteger(d) && d >= 0)) return [...shape];
  const given = Array.isArray(shape) ? show(shape) : String(shape);
  throw new ShapeError(`${owner} got the shape ${given}; it needs one array of whole numbers, such as [2, 3].`);
}

/** An axis counted from the front, given one that may count from the end. */
export function axisOf(owner: string, axis: unknown, rank: number): number {
  if (Number.isInteger(axis) && (axis as number) >= -rank && (axis as number) < rank) {
    return (axis as number) < 0 ? (axis as number) + rank : (axis as number);
  }
  const axes = rank === 0 ? 'a number has no axes' : `a tensor of ${rank} dimensions has axes ${-rank} to ${rank - 1}`;
  throw new OptionError(`${owner} got axis ${String(axis)}; ${axes}.`);
}

/** NumPy's rule: dimensions are matched from the last; equal ones stay, 1 and a missing one stretch. */
export function broadcastShapes(owner: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const p = a[i - rank + a.length] ?? 1;
    const q = b[i - rank + b.length] ?? 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw new ShapeError(
        `${owner} got shapes ${show(a)} and ${show(b)}; from the last dimension on, each pair must be equal or have a 1. Use reshape.`,
      );
    }
    shape.push(p === 1 ? q : p);
  }
  return shape;
}

/** The size of an axis counted from the end: 1 is the last. */
export function sizeFromEnd(shape: Shape, axis: number): number | undefined {
  return shape[shape.length - axis];
}
