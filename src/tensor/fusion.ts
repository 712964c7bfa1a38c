import { Activation, Binary, Kernel, Loss, Unary } from '../../assembly/kernel';
import { modelWords } from '../wasm/divide';
import { Storage } from '../wasm/heap';
import { type Argument, eachOperand, isRead, isWritten, type Operand, type Step } from '../wasm/record';

/** Who writes and who reads each storage that only the trace knows. */
class Uses {
  private readonly writers = new Map<Storage, Step[]>();
  private readonly readers = new Map<Storage, Step[]>();

  constructor(
    steps: readonly Step[],
    readonly local: ReadonlySet<Storage>,
  ) {
    for (const step of steps) {
      eachOperand(step, ({ storage }, letter) => {
        if (isWritten(letter)) note(this.writers, storage, step);
        if (isRead(letter)) note(this.readers, storage, step);
      });
    }
  }

  /** The one step that makes an operand, if it is of this kernel. */
  maker(arg: Argument, kernel: Kernel): Step | undefined {
    const { storage } = arg as Operand;
    const [writer, ...more] = this.writers.get(storage) ?? [];
    return this.local.has(storage) && more.length === 0 && writer?.kernel === kernel ? writer : undefined;
  }

  readersOf(arg: Argument): readonly Step[] {
    return this.readers.get((arg as Operand).storage) ?? [];
  }

  /** Do these steps, and no others, read an operand? */
  onlyReadBy(arg: Argument, ...steps: readonly (Step | undefined)[]): boolean {
    const readers = new Set(this.readersOf(arg));
    return (
      this.local.has((arg as Operand).storage) && steps.every((s) => !s || readers.delete(s)) && readers.size === 0
    );
  }
}

function note(map: Map<Storage, Step[]>, storage: Storage, step: Step): void {
  const list = map.get(storage);
  if (list) list.push(step);
  else map.set(storage, [step]);
}

const same = (a: Argument, b: Argument) => (a as Operand).storage === (b as Operand).storage;

/** Steps to take out, and what stands in the place of one of them. */
interface Fusion {
  remove: readonly Step[];
  at: Step;
  put: Step;
}

const isRelu = ({ kernel, args }: Step) => kernel === Kernel.mapUnary && args[0] === Unary.relu;

/** Where the products have their target and their activation. */
const EPILOGUE = {
  [Kernel.product]: { target: 6, activation: 11 },
  [Kernel.productNarrow]: { target: 3, activation: 8 },
};

/** A product whose only reader is a relu does it on the way out. */
function withRelu(step: Step, uses: Uses): Fusion | undefined {
  const place =
    step.kernel === Kernel.product || step.kernel === Kernel.productNarrow ? EPILOGUE[step.kernel] : undefined;
  if (!place) return undefined;
  const target = step.args[place.target];
  const [relu] = uses.readersOf(target);
  if (!relu || !isRelu(relu) || !uses.onlyReadBy(target, relu)) return undefined;
  const args = [...step.args];
  args[place.target] = relu.args[2];
  args[place.activation] = Activation.relu;
  return { remove: [step, relu], at: step, put: { kernel: step.kernel, args } };
}

/** Where a product has its gate. */
const GATE = 13;

/** A product that only the gradient of a relu reads does it on the way out. */
function withGate(step: Step, uses: Uses): Fusion | undefined {
  if (step.kernel !== Kernel.product) return undefined;
  const target = step.args[EPILOGUE[Kernel.product].target];
  const [slope] = uses.readersOf(target);
  if (slope?.kernel !== Kernel.mapBinary || slope.args[0] !== Binary.reluGradient) return undefined;
  const whole = same(slope.args[1], target) && slope.args.slice(6, 10).every((n, i) => i % 2 === 0 || n === 1);
  if (!whole || !uses.onlyReadBy(target, slope)) return undefined;
  const args = [...step.args];
  args[EPILOGUE[Kernel.product].target] = slope.args[3];
  args[GATE] = slope.args[2];
  return { remove: [step, slope], at: slope, put: { kernel: step.kernel, args } };
}

/** What sums dO x over the rows, and its result: a product, or for one input a sum over pairs. */
function weightSum(dO: Argument, x: Argument, uses: Uses): [sum: Step, dw: Argument] | [] {
  for (const step of uses.readersOf(dO)) {
    const { kernel, args } = step;
    if (kernel === Kernel.product && same(args[3], x)) return [step, args[6]];
    if (kernel === Kernel.sumRows && args[8] && same(args[8], x)) return [step, args[1]];
  }
  return [];
}

/**
 * Gather, linear layer of one output, loss, and the two sums of the gradient over the rows become one pass over the rows:
 *
 *     gatherRows x · gatherRows t · productNarrow o · elementwiseLoss y, do · product dw · sumRows db   ->   linearModel
 */
function asLinearModel(loss: Step, uses: Uses): Fusion | undefined {
  if (loss.kernel !== Kernel.elementwiseLoss) return undefined;
  const [kind, o, t, y, dO, m, n, divisor, , each] = loss.args;
  if (each || (kind !== Loss.squared && kind !== Loss.logistic)) return undefined;
  const forward = uses.maker(o, Kernel.productNarrow);
  const target = uses.maker(t, Kernel.gatherRows);
  const input = forward && uses.maker(forward.args[0], Kernel.gatherRows);
  if (!forward || !target || !input || !dO || n !== 1) return undefined;
  const [x, weight, , , , , k, bias, activation] = forward.args;
  const [toWeight, dw] = weightSum(dO, x, uses);
  const biasSum = uses.readersOf(dO).find((s) => s.kernel === Kernel.sumRows && s !== toWeight);
  const closed =
    activation === Activation.none &&
    same(input.args[1], target.args[1]) &&
    toWeight &&
    uses.onlyReadBy(o, loss) &&
    uses.onlyReadBy(t, loss) &&
    uses.onlyReadBy(x, forward, toWeight) &&
    uses.onlyReadBy(dO, toWeight, biasSum);
  if (!closed) return undefined;
  const partial = { storage: new Storage(modelWords(k as number) * 4), offset: 0 };
  const [source, index] = input.args;
  return {
    remove: [input, target, forward, loss, toWeight, ...(biasSum ? [biasSum] : [])],
    at: loss,
    put: {
      kernel: Kernel.linearModel,
      args: [kind, source, index, target.args[0], weight, bias, y, dw, biasSum?.args[1], partial, m, k, divisor],
    },
  };
}

/** The steps with what belongs together in one; each fusion keeps every order of summation. Storages that it needs join `local`. */
export function fused(steps: readonly Step[], local: Set<Storage>): Step[] {
  const uses = new Uses(steps, local);
  const removed = new Set<Step>();
  const placed = new Map<Step, Step>();
  for (const step of steps) {
    const fusion = asLinearModel(step, uses) ?? withRelu(step, uses) ?? withGate(step, uses);
    if (!fusion || fusion.remove.some((s) => removed.has(s))) continue;
    for (const s of fusion.remove) removed.add(s);
    placed.set(fusion.at, fusion.put);
    eachOperand(fusion.put, ({ storage }) => {
      if (!storage.block && !storage.outside) local.add(storage);
    });
  }
  return steps.flatMap((step) => placed.get(step) ?? (removed.has(step) ? [] : step));
}

/**
 * The whole step of a linear model by plain descent in one record, if it is that and nothing else; it loops over its steps by itself:
 *
 *     linearModel y, dw, db · updateSgd w · updateSgd bias · copyWords y to the losses   ->   linearSgd
 */
export function asOneRecord(steps: readonly Step[], local: ReadonlySet<Storage>): Step | undefined {
  const model = steps.find(({ kernel }) => kernel === Kernel.linearModel);
  if (!model) return undefined;
  const [kind, x, index, t, w, bias, y, dw, db, ...rest] = model.args;
  const update = (p: Argument, g: Argument) =>
    steps.find(({ kernel, args }) => kernel === Kernel.updateSgd && !args[2] && same(args[0], p) && same(args[1], g));
  const kept = steps.find(({ kernel, args }) => kernel === Kernel.copyWords && args[2] === 1 && same(args[0], y));
  const ofWeight = update(w, dw);
  const ofBias = bias && db ? update(bias, db) : undefined;
  const known = [model, kept, ofWeight, ...(bias ? [ofBias] : [])];
  const [row, other = row] = [ofWeight, ofBias].map((step) => step?.args[4] as Operand | undefined);
  const closed =
    known.every((step) => step) &&
    known.length === steps.length &&
    [y, dw, db].every((sum) => !sum || local.has((sum as Operand).storage)) &&
    row?.storage === other?.storage &&
    row?.offset === other?.offset;
  if (!closed) return undefined;
  const [partial, m, k, divisor] = rest;
  return {
    kernel: Kernel.linearSgd,
    args: [kind, x, index, t, w, bias, kept?.args[1], dw, db, partial, m, k, divisor, row],
  };
}
