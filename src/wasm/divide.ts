import { BLOCK, Kernel, PACKED_COLUMNS, PACKED_ROWS, PANEL } from '../../assembly/kernel';
import { LINE, roundUp } from './allocator';
import { Storage } from './heap';
import { type Argument, lettersOf, type Operand, type Step } from './record';

/** How a call becomes several. */
export interface Cut {
  /** The argument that is cut, at multiples of `unit`. */
  readonly count: number;
  readonly unit: number;
  /** How far each argument moves for each one of the count: bytes of an operand, or what is added to a number. */
  readonly by: Readonly<Record<number, number>>;
  /** Arguments that are others than the whole call's. */
  readonly set?: Readonly<Record<number, Argument>>;
  /** What adds up the sums of the parts. */
  readonly after?: readonly Step[];
}

/** Parts that may run at the same time, and what comes after them. Together they give the bits of the whole call. */
export interface Division {
  readonly parts: readonly Step[];
  readonly after: readonly Step[];
}

/** Elements of a line: parts of flat memory do not share one. */
const UNIT = LINE / 4;

/** The kernels over flat memory: which argument is the number of elements, and which counts blocks of four random numbers. */
const FLAT: Partial<Record<Kernel, readonly [count: number, first?: number]>> = {
  [Kernel.copyWords]: [2],
  [Kernel.fillWords]: [1],
  [Kernel.fillUniform]: [1, 5],
  [Kernel.fillNormal]: [1, 5],
  [Kernel.fillMask]: [1, 9],
  [Kernel.mapUnary]: [3],
  [Kernel.select]: [4],
  [Kernel.updateSgd]: [3],
  [Kernel.updateAdam]: [5],
  [Kernel.updateRmsprop]: [5],
  [Kernel.updateAdadelta]: [4],
  [Kernel.updateAdamax]: [4],
  [Kernel.updateLion]: [3],
};

function flat(kernel: Kernel, [count, first]: readonly [number, number?]): Cut {
  const by: Record<number, number> = first ? { 0: 4, [first]: 1 / 4 } : {};
  // Rates are one row for all parts, and so is the counter of a mask.
  if (!first) {
    [...lettersOf(kernel)].forEach((letter, i) => {
      if (!'Tif'.includes(letter)) by[i] = 4;
    });
  }
  return { count, unit: UNIT, by };
}

/** How large a share the largest of so many parts has, of a size cut at multiples of a unit. */
function largest(size: number, unit: number, parts: number): number {
  const units = Math.ceil(size / unit);
  return Math.ceil(units / parts) / units;
}

/** By columns of b, which are packed by each thread for itself, or by rows of a. */
function product(n: (i: number) => number): Cut[] {
  const rowC = n(14) || n(8);
  return [
    { count: 8, unit: PANEL, by: { 3: 4 * n(5), 6: 4, 10: 4, 13: 4 }, set: { 14: rowC } },
    { count: 7, unit: 2, by: { 0: 4 * n(1), 6: 4 * rowC, 13: 4 * rowC } },
  ];
}

function copyStrided(n: (i: number) => number): Cut[] {
  return [0, 1, 2, 3].map((axis) => ({ count: 2 + axis, unit: 1, by: { 0: 4 * n(6 + axis), 1: 4 * n(10 + axis) } }));
}

/** Losses row by row, and then their sum, if these are not such parts already. */
function lossOfRows(
  args: readonly Argument[],
  { y, m, apart, by }: { y: number; m: number; apart: number; by: Cut['by'] },
): Cut {
  const cut = { count: m, unit: 1, by: { ...by, [y]: 4 } };
  if (args[apart]) return cut;
  const count = args[m] as number;
  const rows = { storage: new Storage(count * 4), offset: 0 };
  return {
    ...cut,
    set: { [y]: rows, [apart]: 1 },
    after: [{ kernel: Kernel.sumRows, args: [rows, args[y], 1, count, 1, args[m + 2]] }],
  };
}

/** Floats that a linear model of k inputs sums in: the inputs, and a line each for the outputs of some rows and for partial sums. */
export const modelWords = (k: number): number => roundUp(k, UNIT) + 2 * UNIT;

/** Loss and gradients of each block of rows, and then their sums, if these are not such parts already. */
function linearModel(args: readonly Argument[]): Cut {
  const [, , , , , , y, dw, db, , m, k, divisor, apart] = args as number[];
  const width = apart || modelWords(k as number);
  const cut = { count: 10, unit: BLOCK, by: { 2: 4, 6: 4 / BLOCK, 7: (4 * width) / BLOCK, 8: 4 / BLOCK } };
  if (apart) return cut;
  const blocks = Math.ceil((m as number) / BLOCK);
  const after: Step[] = [];
  const partial = (sum: Argument, n: number, row: number, by: Argument): Argument => {
    const sums = sum && { storage: new Storage(blocks * row * 4), offset: 0 };
    if (sums) after.push({ kernel: Kernel.sumRows, args: [sums, sum, 1, blocks, n, by, row, 1] });
    return sums;
  };
  const set = {
    6: partial(y, 1, 1, divisor),
    7: partial(dw, k as number, width, 1),
    8: partial(db, 1, 1, 1),
    13: width,
  };
  return { ...cut, set, after };
}

/** The ways in which a call becomes several. */
export function cutsOf({ kernel, args }: Step): readonly Cut[] {
  const n = (i: number) => (args[i] ?? 0) as number;
  const elements = FLAT[kernel];
  if (elements) return [flat(kernel, elements)];
  switch (kernel) {
    case Kernel.copyStrided:
      return copyStrided(n);
    case Kernel.gatherRows:
      return [{ count: 3, unit: 1, by: { 1: 4, 2: 4 * n(4) } }];
    case Kernel.mapBinary:
      return [
        { count: 4, unit: 1, by: { 1: 4 * n(6), 2: 4 * n(8), 3: 4 * n(5) } },
        ...(n(4) > 1 ? [] : [{ count: 5, unit: UNIT, by: { 1: 4 * n(7), 2: 4 * n(9), 3: 4 } }]),
      ];
    case Kernel.sumColumns:
    case Kernel.extremeColumns:
    case Kernel.indexExtreme:
      return [{ count: 2, unit: 1, by: { 0: 4 * n(3), 1: 4 } }];
    case Kernel.softmaxColumns:
      return [{ count: 2, unit: 1, by: { 0: 4 * n(3), 1: 4 * n(3) } }];
    case Kernel.sumRows:
      return [
        { count: 2, unit: 1, by: { 0: 4 * n(3) * n(4), 1: 4 * n(4) } },
        ...(n(2) > 1 ? [] : [{ count: 4, unit: UNIT, by: { 0: 4, 1: 4 }, set: { 6: n(6) || n(4) } }]),
      ];
    case Kernel.product:
      return product(n);
    case Kernel.productNarrow:
      return [{ count: 4, unit: 1, by: { 0: 4 * n(6), 3: 4 * n(5) } }];
    case Kernel.elementwiseLoss:
      return [lossOfRows(args, { y: 3, m: 5, apart: 10, by: { 1: 4 * n(6), 2: 4 * n(6), 4: 4 * n(6), 9: 4 * n(6) } })];
    case Kernel.softmaxCrossEntropy:
      return [lossOfRows(args, { y: 2, m: 4, apart: 7, by: { 0: 4 * n(5), 1: 4, 3: 4 * n(5) } })];
    case Kernel.linearModel:
      return [linearModel(args)];
    case Kernel.findNonFinite:
      return n(3) > 0 ? [{ count: 1, unit: n(3), by: { 0: 4, 2: 4 / n(3) } }] : [];
    default:
      return [];
  }
}

/** Where a product packs its panels. */
const PANELS = 12;

/** The bytes of a product's panels, and of no panels for other steps. */
export function panelBytes({ kernel, args }: Step): number {
  if (kernel !== Kernel.product) return 0;
  const [n, k] = args.slice(8, 10) as [number, number];
  return 4 * Math.min(k, BLOCK) * (roundUp(Math.min(n, PACKED_COLUMNS), PANEL) + PACKED_ROWS);
}

/** The argument that a kernel overwrites for itself alone. */
export const scratchOf = (kernel: Kernel): number | undefined => (kernel === Kernel.product ? PANELS : undefined);

const moved = ({ storage, offset, stride = 0, mask = -1 }: Operand, by: number): Operand => ({
  storage,
  offset: offset + by,
  stride,
  mask,
});

/** The part of a step from one place to another of what a cut counts. */
export function partOf(
  { kernel, args }: Step,
  { by, set, count }: Cut,
  [from, to]: readonly [number, number],
): { kernel: Kernel; args: Argument[] } {
  const part: Argument[] = Array.from(lettersOf(kernel), (letter, i) => {
    const arg = set?.[i] ?? args[i];
    const far = (by[i] ?? 0) * from;
    if ('if'.includes(letter)) return ((arg ?? 0) as number) + far;
    return arg && moved(arg as Operand, far);
  });
  part[count] = to - from;
  return { kernel, args: part };
}

/**
 * A step in as many parts as there are storages for packed panels, or fewer; undefined where it stays whole.
 *
 * Parts write different elements, or the partial sums whose order assembly/kernel.ts fixes: so they give the same bits.
 */
export function divide(step: Step, panels: readonly Storage[]): Division | undefined {
  const share = (cut: Cut) => largest(step.args[cut.count] as number, cut.unit, panels.length);
  const cut = cutsOf(step).reduce<Cut | undefined>(
    (best, c) => (best && share(best) <= share(c) ? best : c),
    undefined,
  );
  if (!cut) return undefined;
  const size = step.args[cut.count] as number;
  const units = Math.ceil(size / cut.unit);
  const number = Math.min(units, panels.length);
  if (number < 2) return undefined;
  const edge = (i: number) => Math.min(size, Math.floor((units * i) / number) * cut.unit);
  const parts = Array.from({ length: number }, (_, i) => {
    const part = partOf(step, cut, [edge(i), edge(i + 1)]);
    if (step.kernel === Kernel.product) part.args[PANELS] = { storage: panels[i] as Storage, offset: 0 };
    return part;
  });
  return { parts, after: cut.after ?? [] };
}
