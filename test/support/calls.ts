import { Activation, Binary, Kernel, Loss, Unary } from '../../assembly/kernel';
import { newStorage } from '../../src/tensor/driver';
import { modelWords } from '../../src/wasm/divide';
import type { Argument } from '../../src/wasm/record';
import { rough, small } from './numbers';
import { blank, floats, integers, integersIn, type Room } from './rooms';

/** Arguments of a call, and which of them it writes. */
export interface Call {
  args: (Argument | Room)[];
  written: Room[];
}

/** Bytes of the largest packed panels. */
export const PANELS = 256 * (512 + 64) * 4;

/** Integers below n, from numbers that the seed gives. */
const below = (n: number, length: number) => integers(rough(length, 9).map((x) => Math.floor(((x + 2) / 4) * n)));

function into(y: Room, ...args: (Argument | Room)[]): Call {
  return { args, written: [y] };
}

export function flat(n: number, make: (x: Room, y: Room) => (Argument | Room)[]): Call {
  const y = blank(n);
  return into(y, ...make(floats(rough(n, 1)), y));
}

/** An update of n parameters: p, gradient and what it remembers. */
function update(n: number, remembered: number, make: (p: Room, g: Room, states: Room[]) => (Argument | Room)[]): Call {
  const positive = (seed: number) => floats(rough(n, seed).map(Math.abs));
  const states = Array.from({ length: remembered }, (_, i) => positive(10 + i));
  const p = floats(rough(n, 1));
  return { args: make(p, floats(rough(n, 2)), states), written: [p, ...states] };
}

const rates = () => floats([0.1, 0.9, 0.1, 0.99, 0.01, 1.5, 0.001, 0.01, 0.5, 0.5]);

function product(
  { m, n, k }: { m: number; n: number; k: number },
  { aT = false, bT = false, epilogue = false } = {},
): Call {
  const c = blank(m * n);
  const [a, b] = [floats(rough(m * k, 1)), floats(rough(k * n, 2))];
  const panels = { storage: newStorage(PANELS), offset: 0 };
  const left = aT ? [a, 1, m] : [a, k, 1];
  const right = bT ? [b, 1, k] : [b, n, 1];
  const [bias, gate] = epilogue ? [floats(rough(n, 3)), floats(rough(m * n, 4))] : [];
  return into(c, ...left, ...right, c, m, n, k, bias, epilogue ? Activation.relu : Activation.none, panels, gate);
}

function linearModel(m: number, k: number, { kind = Loss.squared, bias = true } = {}): Call {
  const [y, dw, db, partial] = [blank(1), blank(k), bias ? blank(1) : undefined, blank(modelWords(k))];
  const x = floats(rough(m * k, 1));
  const b = bias ? floats([0.5]) : undefined;
  const args = [kind, x, below(m, m), floats(rough(m, 2)), floats(rough(k, 3)), b, y, dw, db, partial, m, k, m];
  return { args, written: [y, dw, ...(db ? [db] : [])] };
}

function elementwiseLoss(m: number, n: number, kind: Loss): Call {
  const [y, dx, each] = [blank(1), blank(m * n), blank(m * n)];
  const [o, t] = [floats(rough(m * n, 1)), floats(rough(m * n, 2))];
  return { args: [kind, o, t, y, dx, m, n, m * n, 0.5, each], written: [y, dx, each] };
}

function softmaxCrossEntropy(m: number, n: number): Call {
  const [y, dx] = [blank(1), blank(m * n)];
  return { args: [floats(rough(m * n, 1)), below(n, m), y, dx, m, n, m], written: [y, dx] };
}

const matrix = (m: number, n: number, make: (x: Room, y: Room) => (Argument | Room)[], { size = m * n } = {}): Call => {
  const y = blank(size);
  return into(y, ...make(floats(rough(m * n, 1)), y));
};

/** Calls that can be divided, by kernel; `numbers` of them are made anew for each run. */
export const CALLS: { [K in Kernel]?: (() => Call)[] } = {
  [Kernel.copyWords]: [() => flat(1001, (x, y) => [x, { ...y, stride: 64, mask: 3 }, 1001])],
  [Kernel.copyStrided]: [() => matrix(30, 70, (x, y) => [x, y, 1, 1, 70, 30, 0, 0, 1, 70, 0, 0, 30, 1])],
  [Kernel.fillWords]: [() => flat(99, (_, y) => [y, 99, 7])],
  [Kernel.gatherRows]: [() => matrix(37, 5, (x, y) => [x, below(40, 37), y, 37, 5, 37])],
  [Kernel.fillUniform]: [() => flat(203, (_, y) => [y, 203, 1, 2, 3, 5, -1, 1])],
  [Kernel.fillNormal]: [() => flat(203, (_, y) => [y, 203, 1, 2, 3, 5, 0, 1])],
  [Kernel.fillMask]: [() => flat(203, (_, y) => [y, 203, 1, 2, 3, 5, integers([4]), 0.5, 2])],
  [Kernel.mapUnary]: [() => flat(203, (x, y) => [Unary.tanh, x, y, 203, 0])],
  [Kernel.mapBinary]: [
    () => matrix(13, 21, (x, y) => [Binary.multiply, x, floats(rough(21, 4)), y, 13, 21, 21, 1, 0, 1, 0]),
    () => flat(203, (x, y) => [Binary.add, x, floats([3]), y, 1, 203, 203, 1, 0, 0, 0]),
  ],
  [Kernel.select]: [() => flat(203, (x, y) => [floats(small(203, 5)), x, floats(rough(203, 6)), y, 203])],
  [Kernel.sumColumns]: [() => matrix(19, 40, (x, y) => [x, y, 19, 40, 3], { size: 19 })],
  [Kernel.sumRows]: [
    () => matrix(600, 100, (x, y) => [x, y, 1, 600, 100, 7], { size: 100 }),
    () => matrix(600, 17, (x, y) => [x, y, 1, 600, 17, 7], { size: 17 }),
    () => matrix(5 * 300, 3, (x, y) => [x, y, 5, 300, 3, 7], { size: 15 }),
  ],
  [Kernel.extremeColumns]: [() => matrix(19, 40, (x, y) => [x, y, 19, 40, -1], { size: 19 })],
  [Kernel.indexExtreme]: [() => matrix(19, 40, (x, y) => [x, y, 19, 40, 1], { size: 19 })],
  [Kernel.softmaxColumns]: [() => matrix(19, 11, (x, y) => [x, y, 19, 11, 1])],
  [Kernel.product]: [
    () => product({ m: 65, n: 200, k: 300 }, { bT: true, epilogue: true }),
    () => product({ m: 131, n: 70, k: 257 }, { aT: true }),
    () => product({ m: 131, n: 10, k: 30 }, { epilogue: true }),
    () => product({ m: 3, n: 530, k: 20 }),
    () => product({ m: 130, n: 520, k: 90 }, { aT: true, epilogue: true }),
  ],
  [Kernel.productNarrow]: [
    () => {
      const c = blank(70 * 3);
      return into(
        c,
        floats(rough(70 * 20, 1)),
        floats(rough(60, 2)),
        20,
        c,
        70,
        3,
        20,
        floats([1, 2, 3]),
        Activation.relu,
      );
    },
  ],
  [Kernel.elementwiseLoss]: [() => elementwiseLoss(600, 3, Loss.huber), () => elementwiseLoss(9, 17, Loss.logistic)],
  [Kernel.softmaxCrossEntropy]: [() => softmaxCrossEntropy(600, 11), () => softmaxCrossEntropy(2, 3)],
  [Kernel.linearModel]: [
    () => linearModel(1000, 1),
    () => linearModel(600, 3, { kind: Loss.logistic }),
    () => linearModel(2000, 33, { bias: false }),
    () => linearModel(70_000, 2),
  ],
  [Kernel.updateSgd]: [
    () => update(205, 1, (p, g, [v]) => [p, g, v, 205, rates(), 1]),
    () => update(205, 0, (p, g) => [p, g, undefined, 205, rates(), 0]),
  ],
  [Kernel.updateAdam]: [() => update(205, 3, (p, g, [u, v, top]) => [p, g, u, v, top, 205, rates(), 1, 1])],
  [Kernel.updateRmsprop]: [() => update(205, 3, (p, g, [v, mean, b]) => [p, g, v, mean, b, 205, rates()])],
  [Kernel.updateAdadelta]: [() => update(205, 2, (p, g, [v, a]) => [p, g, v, a, 205, rates()])],
  [Kernel.updateAdamax]: [() => update(205, 2, (p, g, [u, v]) => [p, g, u, v, 205, rates()])],
  [Kernel.updateLion]: [() => update(205, 1, (p, g, [u]) => [p, g, u, 205, rates()])],
  [Kernel.findNonFinite]: [
    () => {
      const found = blank(4);
      return into(found, floats([...rough(70, 1), Number.NaN, ...rough(130, 2)]), 201, found, 64);
    },
  ],
};
/** Calls that stay whole: each step of theirs needs the one before. */
export const WHOLE = [Kernel.addToWord, Kernel.scatterRows, Kernel.permute, Kernel.linearSgd, Kernel.barrier];

/** The bits of what a call writes. */
export const wordsOf = ({ written }: Call) => written.map((room) => [...integersIn(room)]);

/** All calls of the table with their names. */
export const cases = Object.entries(CALLS).flatMap(([kernel, calls]) =>
  calls.map((make, i) => ({
    name: `${Kernel[Number(kernel)]}, call ${i + 1}`,
    kernel: Number(kernel) as Kernel,
    make,
  })),
);
