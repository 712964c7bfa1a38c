import {
  checkNumber,
  checkOptions,
  checkValue,
  isCount,
  isFlag,
  isIndex,
  isOneOf,
  isRate,
  isReal,
  OptionError,
  type Rules,
  StateError,
} from '../errors';
import type { Module } from '../nn/module';
import type { Optimizer } from '../optim/optimizer';
import { sameShape } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import type { HistoryRow } from './history';
import type { Metrics, Mode } from './metrics/metric';
import type { Part } from './parts';

/** When to stop before the last epoch. */
export interface EarlyStopping {
  /** What says how good an epoch was: `loss`, `valLoss`, or a metric's name in the history. Default: valLoss, or loss without a validation set. */
  monitor?: string;
  /** Is the smallest value the best, or the largest? Losses and the library's metrics know; a metric of your own needs it. */
  mode?: Mode;
  /** Stop after so many epochs in a row that were no better than before. Default: never. */
  patience?: number;
  /** What an epoch must be better by, to count for `patience`. Default: 0. */
  minDelta?: number;
  /** Stop after the first epoch whose loss (valLoss, where there is a validation set) is not above this. */
  targetLoss?: number;
  /**
   * When the training ends, put back the parameters and buffers of the best epoch, whatever ended it: patience, a signal, the
   * last epoch, or an error. Default: false.
   */
  restoreBest?: boolean;
}

/** What early stopping remembers. */
interface EarlyStoppingState {
  monitor: string;
  /** The best that was monitored so far; NaN is never the best. */
  best?: number;
  /** What the next epochs have to be better than, for `patience`, and how many were not. */
  toBeat?: number;
  waited: number;
  /** Copies of the best epoch's parameters and buffers, in the model's order, where they are to be put back. */
  kept: Tensor[];
}

interface Watching {
  earlyStopping?: EarlyStopping | undefined;
  validation?: unknown;
  metrics?: Metrics | undefined;
}

/** The name in the history of what is measured on the validation rows. */
export const valName = (name: string) => `val${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** What a row of the history will have that can be monitored, and which of its values is the best, where that is known. */
function monitors({ validation, metrics = {} }: Watching): Map<string, Mode | undefined> {
  const known = new Map<string, Mode | undefined>([['loss', 'min']]);
  for (const [name, { mode }] of Object.entries(metrics)) known.set(name, mode);
  if (validation) for (const [name, mode] of [...known]) known.set(valName(name), mode);
  return known;
}

const monitorOf = ({ earlyStopping, validation }: Watching) =>
  earlyStopping?.monitor ?? (validation ? 'valLoss' : 'loss');

const RULES: Rules<keyof EarlyStopping> = {
  monitor: undefined,
  mode: undefined,
  patience: isCount,
  minDelta: isRate,
  targetLoss: isReal,
  restoreBest: isFlag,
};

function checkMonitor(options: Watching): void {
  const [monitor, { mode } = {} as EarlyStopping] = [monitorOf(options), options.earlyStopping];
  const known = monitors(options);
  if (!known.has(monitor))
    throw new OptionError(`earlyStopping.monitor is "${monitor}"; there are ${[...known.keys()].join(', ')}.`);
  if (mode !== undefined) checkValue('earlyStopping.mode', mode, isOneOf('min', 'max'));
  if (!(mode ?? known.get(monitor)))
    throw new OptionError(`earlyStopping needs to know whether more ${monitor} is better: give mode 'max' or 'min'.`);
}

/** Throws for options of early stopping that are unknown or out of range, or that nothing follows from. */
export function checkStopping(options: Watching): void {
  const { earlyStopping } = options;
  if (earlyStopping === undefined) return;
  checkOptions('earlyStopping', earlyStopping, RULES);
  const { patience, targetLoss, restoreBest } = earlyStopping;
  if (patience === undefined && targetLoss === undefined && !restoreBest)
    throw new OptionError('earlyStopping would never stop; give it patience, as in { patience: 5 }, or targetLoss.');
  checkMonitor(options);
}

/** Finds the best epoch, says when it is time to stop, and keeps what the model was then. */
export class Stopper implements Part {
  private readonly sign: 1 | -1;
  private readonly held: readonly Tensor[];
  private now: EarlyStoppingState;

  constructor(
    private readonly options: Watching,
    { model, optimizer }: { model: Module; optimizer: Optimizer },
  ) {
    const monitor = monitorOf(options);
    this.now = { monitor, waited: 0, kept: [] };
    const mode = options.earlyStopping?.mode ?? monitors(options).get(monitor);
    this.sign = mode === 'max' ? -1 : 1;
    const own = [...model.namedParameters(), ...model.namedBuffers()].map(([, t]) => t);
    this.held = [...new Set([...own, ...optimizer.params])];
  }

  /** Is a value better than another, if there is one, by more than `delta`? */
  private better(value: number, other: number | undefined, delta = 0): boolean {
    return other === undefined ? !Number.isNaN(value) : this.sign * value < this.sign * other - delta;
  }

  /** Looks at what an epoch brought, and at the model as it is. Why stop, if it is time to? */
  note(row: HistoryRow): 'patience' | 'targetLoss' | undefined {
    const {
      patience = Number.POSITIVE_INFINITY,
      minDelta = 0,
      targetLoss,
      restoreBest,
    } = this.options.earlyStopping ?? {};
    const value = row[this.now.monitor] as number;
    if (this.better(value, this.now.best)) {
      this.now.best = value;
      if (restoreBest) this.keep();
    }
    if (this.better(value, this.now.toBeat, minDelta)) {
      this.now.toBeat = value;
      this.now.waited = 0;
    } else this.now.waited++;
    if (targetLoss !== undefined && (row.valLoss ?? row.loss) <= targetLoss) return 'targetLoss';
    return this.now.waited >= patience ? 'patience' : undefined;
  }

  private keep(): void {
    if (this.now.kept.length === 0) this.now.kept = this.held.map((t) => t.clone());
    else this.now.kept.forEach((copy, i) => void copy.assign(this.held[i] as Tensor));
  }

  /** Puts the best epoch's parameters and buffers back, where that is wanted and there is one. */
  putBack(): void {
    this.now.kept.forEach((copy, i) => void this.held[i]?.assign(copy));
  }

  /** The best epoch of the history, if there is one. */
  bestOf(rows: readonly HistoryRow[]): { bestEpoch?: number } {
    const { monitor } = this.now;
    let best: HistoryRow | undefined;
    for (const row of rows) if (this.better(row[monitor] as number, best?.[monitor])) best = row;
    return best ? { bestEpoch: best.epoch } : {};
  }

  stateDict(): EarlyStoppingState {
    return { ...this.now, kept: this.now.kept.map((t) => t.clone()) };
  }

  loadStateDict(state: EarlyStoppingState): void {
    const { monitor, best, toBeat, waited, kept } = state;
    if (monitor !== this.now.monitor)
      throw new StateError(`The training monitored ${monitor}; this one has ${this.now.monitor}. Give the same.`);
    checkNumber('What early stopping waited', waited, isIndex);
    const fits = kept.length === 0 || (kept.length === this.held.length && kept.every((t, i) => this.isLike(t, i)));
    if (!fits) throw new StateError('Early stopping has kept parameters that are not of this model; build the same.');
    const found = { ...(best !== undefined && { best }), ...(toBeat !== undefined && { toBeat }) };
    this.now = { monitor, waited, kept: kept.map((t) => t.clone()), ...found };
  }

  private isLike(t: Tensor, i: number): boolean {
    const { shape, dtype } = this.held[i] as Tensor;
    return sameShape(t.shape, shape) && t.dtype === dtype;
  }
}
