import type { DataLoader } from '../data/loader';
import { checkNumber, checkOptions, DivergenceError, isCount, isFraction, isPositive, OptionError } from '../errors';
import type { Module } from '../nn/module';
import { integerPower } from '../optim/exact';
import type { Optimizer } from '../optim/optimizer';
import type { AnySchedule } from '../optim/schedules/schedule';
import { Tensor } from '../tensor/tensor';
import { random } from '../wasm/random';
import { fit } from './fit';
import type { FitOptions } from './options';

type Passed = 'sampleWeight' | 'classWeight' | 'accumulate' | 'clipGradNorm' | 'clipGradValue' | 'signal' | 'compiled';

/** What `findLearningRate` takes: what `fit` takes for a step, and the range of rates. */
export interface LearningRateOptions extends Pick<FitOptions, 'loss' | 'optimizer' | Passed> {
  /** The first rate. Default: 1e-7. */
  from?: number;
  /** The last rate. Default: 10. */
  to?: number;
  /** Rates tried, each for one step. Default: 100. */
  steps?: number;
  /** How much of the smoothed loss is kept from one step to the next. Default: 0.9. */
  smoothing?: number;
}

/** What each rate brought. */
export interface LearningRates {
  /** The rates tried. */
  rates: number[];
  /** The loss of the batch before the step with each rate. */
  losses: number[];
  /** Their moving average. */
  smoothed: number[];
  /** The rate at which the smoothed loss falls most for a given factor of the rate; undefined if it nowhere does. */
  suggestion: number | undefined;
  /** Why it ended. */
  stoppedBy: 'steps' | 'divergence' | 'signal';
}

const PASSED: readonly Passed[] = [
  'sampleWeight',
  'classWeight',
  'accumulate',
  'clipGradNorm',
  'clipGradValue',
  'signal',
  'compiled',
];

/** A smoothed loss this many times the lowest one has diverged. */
const DIVERGED = 4;

/** x^(1/n) by halving: Math.pow differs between engines. */
function rootOf(x: number, n: number): number {
  let [low, high] = [0, Math.max(1, x)];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return low;
    if (integerPower(middle, n) <= x) low = middle;
    else high = middle;
  }
}

/** Rates of which each is the one before it times the same factor, from step to step, whatever the groups' rates were. */
class Sweep {
  readonly per = 'step';
  count = 0;

  constructor(
    readonly optimizer: Optimizer,
    readonly rates: readonly number[],
  ) {
    this.moveTo(0);
  }

  ratesAt(count: number): number[] {
    const rate = this.rates[Math.min(count, this.rates.length - 1)] as number;
    return this.optimizer.groups.map(() => rate);
  }

  moveTo(count: number): void {
    this.count = count;
    this.optimizer.lr = this.ratesAt(count)[0] as number;
  }

  step(): void {
    this.moveTo(this.count + 1);
  }
}

const isHeld = (v: unknown): v is Tensor => v instanceof Tensor && v.hasValues;

/** Keeps what a training changes, and puts it back to the bit. */
function keeper(model: Module, loader: DataLoader, optimizer: Optimizer): () => void {
  const held = model.modules().flatMap((m) => Object.values(m).filter(isHeld));
  const all = [...new Set([...optimizer.params, ...held])].map((t) => ({ t, values: t.clone(), gradient: t.gradient }));
  // What the eager loop forgets is its own.
  for (const { t } of all) t.gradient = undefined;
  const state = optimizer.stateDict();
  const drawn = random.stateDict();
  const { epoch } = loader;
  return () => {
    for (const { t, values, gradient } of all) {
      t.assign(values);
      t.gradient = gradient;
    }
    optimizer.restore(state);
    random.loadStateDict(drawn);
    loader.epoch = epoch;
  };
}

/** The rate from which the next step falls most, up to the lowest loss. */
function steepest(rates: readonly number[], smoothed: readonly number[]): number | undefined {
  const lowest = smoothed.indexOf(smoothed.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
  let [best, fall] = [-1, 0];
  for (let i = 0; i < lowest; i++) {
    const own = (smoothed[i] as number) - (smoothed[i + 1] as number);
    if (own > fall) [best, fall] = [i, own];
  }
  return rates[best];
}

function checked(options: LearningRateOptions): { from: number; to: number; steps: number; smoothing: number } {
  const names = ['loss', 'optimizer', 'from', 'to', 'steps', 'smoothing', ...PASSED];
  checkOptions('findLearningRate', options, names);
  const { from = 1e-7, to = 10, steps = 100, smoothing = 0.9 } = options ?? {};
  checkNumber('from', from, isPositive);
  checkNumber('to', to, isPositive);
  if (to <= from)
    throw new OptionError(`findLearningRate goes from ${from} to ${to}; the last rate must be above the first.`);
  checkNumber('steps', steps, { needed: 'a whole number of at least 2', holds: (n) => isCount.holds(n) && n > 1 });
  checkNumber('smoothing', smoothing, isFraction);
  return { from, to, steps, smoothing };
}

/** The losses one after another, and when to stop. */
class Curve {
  readonly losses: number[] = [];
  readonly smoothed: number[] = [];
  private least = Number.POSITIVE_INFINITY;
  private average = 0;
  private missing = 1;

  constructor(private readonly smoothing: number) {}

  /** Takes the next loss, and says if it has diverged. */
  add(loss: number): boolean {
    this.average = this.smoothing * this.average + (1 - this.smoothing) * loss;
    this.missing *= this.smoothing;
    const smoothed = this.average / (1 - this.missing);
    const { least } = this;
    this.least = Math.min(least, smoothed);
    this.losses.push(loss);
    this.smoothed.push(smoothed);
    return smoothed > least + (DIVERGED - 1) * Math.abs(least);
  }
}

/**
 * Tries learning rates, each larger than the one before by the same factor, for one step each (Smith 2017), and suggests one.
 * It stops where the smoothed loss is four times the lowest, or no longer finite. Model, optimizer and loader are put back to the
 * bit, also where it throws.
 *
 * As https://docs.fast.ai/callback.schedule.html#learner.lr_find. The rates go on over as many passes of the loader as they need.
 *
 * @param options `loss` and `optimizer` as for `fit`; `from` 1e-7, `to` 10, `steps` 100, `smoothing` 0.9; and fit's
 * `sampleWeight`, `classWeight`, `accumulate`, `clipGradNorm`, `clipGradValue`, `signal`, `compiled`.
 * @returns rates, losses, their moving average, and the suggestion: where the loss falls most steeply over the logarithm of the
 * rate.
 * @throws what `fit` throws for a model, a loader or options that do not fit.
 * @example
 * const model = new nn.Linear(1, 1);
 * const loader = new DataLoader(new TensorDataset([[0], [1], [2]], [[1], [3], [5]]), { batchSize: 3 });
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const { rates, suggestion } = await findLearningRate(model, loader, { loss: new nn.MSELoss(), optimizer, steps: 50 });
 * expect(suggestion).toBeGreaterThan(1e-3);
 * expect(rates[0]).toBe(1e-7);
 * expect(optimizer.lr).toBe(0.1);
 */
export async function findLearningRate(
  model: Module,
  loader: DataLoader,
  options: LearningRateOptions,
): Promise<LearningRates> {
  const { from, to, steps, smoothing } = checked(options);
  const given = Object.fromEntries(
    PASSED.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  const fitting = { ...given, loss: options.loss, optimizer: options.optimizer };
  // Throws where these do not fit, before anything is changed: a training of no time.
  await fit(model, loader, { ...fitting, epochs: 1, signal: AbortSignal.abort() });
  const factor = rootOf(to / from, steps - 1);
  const rates = Array.from({ length: steps }, (_, i) => (i === steps - 1 ? to : from * integerPower(factor, i)));
  const optimizer = options.optimizer as Optimizer;
  const putBack = keeper(model, loader, optimizer);
  const curve = new Curve(smoothing);
  const done = new AbortController();
  let stoppedBy: LearningRates['stoppedBy'] = 'steps';
  const onBatchEnd = ({ loss }: { loss: number }) => {
    if (curve.add(loss)) stoppedBy = 'divergence';
    else if (options.signal?.aborted) stoppedBy = 'signal';
    if (stoppedBy !== 'steps' || curve.losses.length === steps) done.abort();
  };
  try {
    const scheduler = new Sweep(optimizer, rates) as unknown as AnySchedule;
    await fit(model, loader, { ...fitting, epochs: steps, scheduler, onBatchEnd, signal: done.signal });
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    stoppedBy = 'divergence';
  } finally {
    putBack();
  }
  const { losses, smoothed } = curve;
  const tried = rates.slice(0, losses.length);
  return { rates: tried, losses, smoothed, suggestion: steepest(tried, smoothed), stoppedBy };
}
