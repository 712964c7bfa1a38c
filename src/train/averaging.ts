import { DataLoader } from '../data/loader';
import { checkNumber, checkOptions, checkValue, isFraction, isOneOf, OptionError, quoted } from '../errors';
import { Module } from '../nn/module';
import { BatchNorm1d } from '../nn/normalization';
import { tensor } from '../tensor/create';
import { noGrad } from '../tensor/driver';
import { countUp } from '../tensor/ops/random';
import type { Tensor } from '../tensor/tensor';
import { Pacer } from './pause';
import { Setting } from './setting';

/**
 * What an average becomes: a function of the average so far, the parameter, and how many were averaged before, a whole number
 * of shape []. It is made of tensor operations.
 */
export type AvgFn = (averaged: Tensor, parameter: Tensor, count: Tensor) => Tensor;

/**
 * The rule of an exponential moving average: averaged ← decay averaged + (1 - decay) parameter.
 *
 * As https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.get_ema_avg_fn.
 *
 * @param decay from 0 to below 1; default 0.999.
 * @throws OptionError for a decay out of range.
 * @example
 * const next = getEmaAvgFn(0.75)(tensor([4]), tensor([8]));
 * expect(next.toArray()).toEqual([5]);
 */
export function getEmaAvgFn(decay = 0.999): AvgFn {
  checkNumber('The decay of getEmaAvgFn', decay, isFraction);
  return (averaged, parameter) => averaged.mul(decay).add(parameter.mul(1 - decay));
}

/** The mean of all so far: averaged ← averaged + (parameter - averaged) / (count + 1). */
const mean: AvgFn = (averaged, parameter, count) =>
  averaged.add(parameter.sub(averaged).div(count.to('float32').add(1)));

/** What AveragedModel takes. */
export interface AveragedModelOptions {
  /** How averages go on. Default: the mean of all (Izmailov et al. 2018). */
  avgFn?: AvgFn;
  /** Average buffers of floats too, such as running statistics; else they are the model's own of the last update. Default: false. */
  useBuffers?: boolean;
  /** When `fit` updates it: after each epoch, or after each step of the optimizer. Default: 'epoch'; 'step' where avgFn is given. */
  per?: 'epoch' | 'step';
}

/** A tensor of the model, and the average of what it was. */
interface Pair {
  live: Tensor;
  average: Tensor;
  averaged: boolean;
}

function pairsOf(model: Module, useBuffers: boolean): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const [name, live] of model.namedParameters()) pairs.set(name, { live, average: live.clone(), averaged: true });
  for (const [name, live] of model.namedBuffers())
    pairs.set(name, { live, average: live.clone(), averaged: useBuffers && live.dtype === 'float32' });
  return pairs;
}

/**
 * A model whose parameters are averages of those that another goes through while it is trained.
 *
 * `fit({ averaging })` updates it; in an eager loop `updateParameters()` after `optimizer.step()` does. It computes as the model
 * does, without gradients: in `evaluate`, `predict` and `forward`. Its `stateDict` has PyTorch's names: `n_averaged`, and
 * `module.` before those of the model. As https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.AveragedModel.
 *
 * @param model the model that is trained.
 * @param options `avgFn`: default the mean; `useBuffers`: default false; `per`: default 'epoch', or 'step' where `avgFn` is given.
 * @throws OptionError for options that are unknown or out of range, or for no model.
 * @example
 * const model = new nn.Linear(1, 1);
 * const averaged = new AveragedModel(model, { avgFn: getEmaAvgFn(0.75) });
 * model.weight.assign([[4]]);
 * averaged.updateParameters();
 * model.weight.assign([[8]]);
 * averaged.updateParameters();
 * expect(averaged.stateDict()['module.weight'].toArray()).toEqual([[5]]);
 */
export class AveragedModel extends Module {
  /** When `fit` lets the averages go on. */
  readonly per: 'epoch' | 'step';
  private readonly avgFn: AvgFn;
  private readonly count = tensor(0, { dtype: 'int32' });
  private readonly pairs: Map<string, Pair>;

  constructor(
    /** The model whose parameters it averages. */
    readonly model: Module,
    options: AveragedModelOptions = {},
  ) {
    super();
    checkOptions('AveragedModel', options, ['avgFn', 'useBuffers', 'per']);
    if (!(model instanceof Module)) throw new OptionError(`AveragedModel got ${quoted(model)}; give it a model.`);
    const { avgFn = mean, useBuffers = false, per = options.avgFn ? 'step' : 'epoch' } = options;
    if (typeof avgFn !== 'function')
      throw new OptionError(`avgFn is ${String(avgFn)}; give a function such as getEmaAvgFn(0.999).`);
    checkValue('per', per, isOneOf('epoch', 'step'));
    this.per = per;
    this.avgFn = avgFn;
    this.pairs = pairsOf(model, useBuffers);
  }

  /** The parameters that are trained are the model's: this has none. */
  override children(): [string, Module][] {
    return [];
  }

  override modules(): Module[] {
    return [this, ...this.model.modules()];
  }

  protected override buffers(): Record<string, Tensor> {
    const averages = [...this.pairs].map(([name, { average }]) => [`module.${name}`, average]);
    return { n_averaged: this.count, ...Object.fromEntries(averages) };
  }

  /** @internal Every tensor that an update changes. */
  changed(): Tensor[] {
    return Object.values(this.buffers());
  }

  /** Takes the model's parameters as they are into the averages. The first time, they are the averages. */
  updateParameters(): void {
    noGrad(() => {
      const isFirst = this.count.eq(0);
      for (const { live, average, averaged } of this.pairs.values()) {
        if (averaged) average.assign(isFirst.where(live, this.avgFn(average, live, this.count)));
        else average.assign(live);
      }
      countUp(this.count);
    });
  }

  /** @internal Runs `fn` with the averages in the place of the model's parameters and buffers. */
  exchanged<T>(fn: () => T): T {
    const exchange = () => {
      for (const { live, average } of this.pairs.values()) live.exchange(average);
    };
    exchange();
    try {
      return fn();
    } finally {
      exchange();
    }
  }

  forward(...inputs: Tensor[]): Tensor {
    return this.exchanged(() => noGrad(() => this.model.forward(...inputs)));
  }

  /**
   * Puts the averages in the place of a model's parameters and buffers.
   *
   * @param model of the same names and shapes; default the one that is averaged.
   * @throws StateError or ShapeError for another one.
   */
  assignTo(model: Module = this.model): void {
    model.loadStateDict(Object.fromEntries([...this.pairs].map(([name, { average }]) => [name, average])));
  }
}

/**
 * Computes the running statistics of every BatchNorm1d anew, as the means over one pass of a loader: those of averaged weights
 * are not the average of those that there were.
 *
 * As https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.update_bn. The model runs in train mode and is left in the
 * mode that it had.
 *
 * @param model an AveragedModel, or any other.
 * @param loader whose rows' inputs, all columns but the last, go to `forward`.
 * @throws OptionError for no model or no DataLoader; what `forward` throws: the model then is as it was.
 * @example
 * const model = new nn.BatchNorm1d(1);
 * await updateBn(model, new DataLoader(new TensorDataset([[1], [3]], [0, 0]), { batchSize: 2 }));
 * expect(model.stateDict().running_mean.toArray()).toEqual([2]);
 */
export async function updateBn(model: Module, loader: DataLoader): Promise<void> {
  if (!(model instanceof Module)) throw new OptionError(`updateBn got ${quoted(model)}; give it a model.`);
  if (!(loader instanceof DataLoader)) throw new OptionError(`updateBn got ${quoted(loader)}; give it a DataLoader.`);
  const layers = model.modules().filter((m): m is BatchNorm1d => m instanceof BatchNorm1d);
  if (layers.length === 0) return;
  const before = model.stateDict();
  const setting = new Setting(model, { training: true });
  const pacer = new Pacer();
  try {
    within(model, () => {
      for (const layer of layers) layer.resetRunningStats();
    });
    for await (const batch of loader) {
      setting.run(() => averagingOver(layers, () => noGrad(() => model.forward(...batch.slice(0, -1)))));
      await pacer.tick();
    }
  } catch (error) {
    model.loadStateDict(before);
    throw error;
  }
}

function within(model: Module, fn: () => void): void {
  if (model instanceof AveragedModel) model.exchanged(fn);
  else fn();
}

/** Runs `fn` with running statistics that are the means of all batches so far. */
function averagingOver(layers: readonly { momentum: number | null }[], fn: () => void): void {
  const momenta = layers.map((layer) => layer.momentum);
  for (const layer of layers) layer.momentum = null;
  try {
    fn();
  } finally {
    layers.forEach((layer, i) => {
      layer.momentum = momenta[i] as number | null;
    });
  }
}
