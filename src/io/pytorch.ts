import { DataLoader } from '../data/loader';
import { checkNumber, checkOptions, isAboveZero, isCount, OptionError, quoted, type Rules } from '../errors';
import type { LossFunction } from '../nn/loss';
import { Module } from '../nn/module';
import { Optimizer } from '../optim/optimizer';
import { ReduceLROnPlateau } from '../optim/schedules/plateau';
import { type AnySchedule, Schedule } from '../optim/schedules/schedule';
import { SequentialLR } from '../optim/schedules/sequential';
import { tensor } from '../tensor/create';
import { Tensor } from '../tensor/tensor';
import { lossSource, moduleSource } from './modules';
import { call, literal, renamed, Source, snake } from './python';
import { toSafetensors } from './safetensors';
import { SUPPORT, trainScript } from './scripts';

/** What goes on in PyTorch: options of `fit`. */
export interface PyTorchOptions {
  /** A loss of the library, whose reduction is 'mean' or 'sum'. */
  loss: LossFunction;
  /** One that PyTorch has too: any but Lion. */
  // biome-ignore lint/suspicious/noExplicitAny: the options are the optimizer's own.
  optimizer: Optimizer<any>;
  /** How many more passes. */
  epochs: number;
  /** One that is written as in PyTorch: any but LambdaLR and SWALR. */
  scheduler?: AnySchedule | ReduceLROnPlateau;
  /** As in `fit`. */
  clipGradNorm?: number;
  /** As in `fit`. */
  clipGradValue?: number;
}

const RULES: Rules<keyof PyTorchOptions> = {
  loss: undefined,
  optimizer: undefined,
  epochs: isCount,
  scheduler: undefined,
  clipGradNorm: isAboveZero,
  clipGradValue: isAboveZero,
};

/** What PyTorch has under the same names. */
const OPTIMIZERS = ['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'NAdam', 'RAdam'];
const SCHEDULES = [
  'StepLR',
  'MultiStepLR',
  'ExponentialLR',
  'CosineAnnealingLR',
  'CosineAnnealingWarmRestarts',
  'OneCycleLR',
  'LinearLR',
  'SequentialLR',
  'ReduceLROnPlateau',
];

type AnySetOfOptions = Optimizer<{ lr: number }>;

/** The names of an optimizer's parameters in the model. */
function namesIn(model: Module, optimizer: AnySetOfOptions): Map<Tensor, string> {
  const names = new Map(model.namedParameters().map(([name, p]) => [p, name]));
  if (optimizer.params.every((p) => names.has(p))) return names;
  throw new OptionError(
    'toPyTorch: the optimizer has a parameter that is not in the model; give it those of model.parameters() alone.',
  );
}

/** The groups of an optimizer as lines of Python. */
function groupsSource(optimizer: AnySetOfOptions, names: ReadonlyMap<Tensor, string>): string {
  const lines = optimizer.groups.map(({ params, options }) => {
    const own = { params: params.map((p) => names.get(p)), ...options };
    const entries = Object.entries(own).map(([name, value]) => `${literal(snake(name))}: ${literal(value)}`);
    return `        {${entries.join(', ')}},`;
  });
  return lines.join('\n');
}

/** What an optimizer remembers, by the names of its parameters. */
function memoryOf(optimizer: AnySetOfOptions, names: ReadonlyMap<Tensor, string>): Record<string, Tensor> {
  const { state } = optimizer.stateDict();
  const entries = Object.entries(state).flatMap(([i, own]) =>
    Object.entries(own).map(([key, value]): [string, Tensor] => {
      const name = `${names.get(optimizer.params[Number(i)] as Tensor)}.${snake(key)}`;
      return [name, value instanceof Tensor ? value : tensor(value, { dtype: key === 'step' ? 'int32' : 'float32' })];
    }),
  );
  return Object.fromEntries(entries);
}

/** A schedule as it is when it begins, as a Python expression. */
function scheduleSource(schedule: AnySchedule | ReduceLROnPlateau): Source {
  const name = schedule.constructor.name;
  const known = schedule instanceof Schedule || schedule instanceof ReduceLROnPlateau;
  if (!known || !SCHEDULES.includes(name))
    throw new OptionError(
      `toPyTorch can't write ${known ? name : quoted(schedule)} in Python; give one of ${SCHEDULES.join(', ')}, or none and set the rates there.`,
    );
  const { per: _, ...options } = schedule.options as Record<string, unknown>;
  for (const own of ['monitor', 'epochs', 'stepsPerEpoch']) delete options[own];
  if (schedule instanceof SequentialLR) {
    const parts = schedule.options.schedulers.map((part) => scheduleSource(part).text);
    options.schedulers = new Source(`[${parts.join(', ')}]`);
  }
  return call(`torch.optim.lr_scheduler.${name}`, [new Source('optimizer')], options);
}

const setRates = (rates: readonly number[]) =>
  `    for group, rate in zip(optimizer.param_groups, ${literal(rates)}):\n        group["lr"] = rate`;

/** The body of a function that makes a schedule and brings it to where it is. */
function schedulerLines(schedule: AnySchedule | ReduceLROnPlateau | undefined): string {
  if (!schedule) return '    return None';
  const made = `    scheduler = ${scheduleSource(schedule).text}`;
  if (schedule instanceof ReduceLROnPlateau) {
    const { best, badSteps, cooling } = schedule.stateDict();
    const state = { best, numBadEpochs: badSteps, cooldownCounter: cooling };
    const lines = Object.entries(renamed(state)).map(([name, value]) => `    scheduler.${name} = ${literal(value)}`);
    return [made, ...lines, '    return scheduler'].join('\n');
  }
  const { count, rates } = schedule.stateDict();
  return `${setRates(rates)}
${made}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it steps before the optimizer does
        for _ in range(${count}):
            scheduler.step()
    return scheduler`;
}

function check(model: Module, loader: DataLoader, options: PyTorchOptions): void {
  checkOptions('toPyTorch', options, RULES);
  const { optimizer, epochs, scheduler }: Partial<PyTorchOptions> = options ?? {};
  if (!(model instanceof Module)) throw new OptionError(`The model is ${quoted(model)}; it must be a Module.`);
  if (!(loader instanceof DataLoader) || loader.dataset.begin || loader.sampler)
    throw new OptionError(
      'toPyTorch needs the rows themselves: give new DataLoader(new TensorDataset(X, y)), without a sampler.',
    );
  if (loader.dataset.tensors.length < 2)
    throw new OptionError(
      "toPyTorch: the loader's dataset has 1 tensor; it needs inputs and, last, a target: new TensorDataset(X, y).",
    );
  if (!(optimizer instanceof Optimizer) || !OPTIMIZERS.includes(optimizer.constructor.name))
    throw new OptionError(
      `The optimizer is ${optimizer instanceof Optimizer ? optimizer.constructor.name : quoted(optimizer)}; give one that PyTorch has: ${OPTIMIZERS.join(', ')}.`,
    );
  checkNumber('epochs', epochs, isCount);
  if (scheduler && scheduler.optimizer !== optimizer)
    throw new OptionError('toPyTorch got a scheduler of another optimizer; give it that of this one.');
  const monitor = scheduler instanceof ReduceLROnPlateau ? scheduler.options.monitor : '';
  if (monitor && monitor !== 'loss')
    throw new OptionError(`toPyTorch got a schedule that looks at ${monitor}; there it can look at the loss alone.`);
}

/** A line of Python in the loop over the batches, or none. */
const step = (indent: number, line: string | false | undefined) => (line ? `${' '.repeat(indent)}${line}\n` : '');

/**
 * The files of a folder in which PyTorch goes on with a training: what the next call of `fit` with these arguments would do.
 *
 * `model.py` has the modules under the same names, `train.py` the loss, the optimizer and the loop; the weights, what the
 * optimizer remembers and the data are safetensors files, of which `support.py` has a reader. The rows come in the same order.
 * `python3 train.py` runs it, `torchrun --nproc_per_node=n train.py` on n processes, each with its share of every batch; both
 * write `trained.safetensors`, which `model.loadStateDict(fromSafetensors(bytes).tensors)` brings back. PyTorch is 1.13 or newer.
 *
 * @param model a module of the library, such as a Sequential of them.
 * @param loader of a TensorDataset, or a part of one.
 * @param options of `fit`: `loss`, `optimizer`, `epochs`; `scheduler`, `clipGradNorm`, `clipGradValue`.
 * @returns the contents of the files by their names.
 * @throws OptionError for what PyTorch has not or can't be written in Python: modules and losses of your own, Lion, LambdaLR and
 * SWALR, samplers.
 * @example
 * const loader = new DataLoader(new TensorDataset([[0], [1], [2]], [[1], [3], [5]]), { batchSize: 2, shuffle: true });
 * const model = new nn.Sequential(new nn.Linear(1, 8), new nn.Tanh(), new nn.Linear(8, 1));
 * const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
 * await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 2 });
 * const files = toPyTorch(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 10 });
 * expect(Object.keys(files)).toContain('train.py'); // writeFile(name, files[name]) for each name
 * expect(files['model.py']).toContain('nn.Linear(1, 8)');
 */
export function toPyTorch(
  model: Module,
  loader: DataLoader,
  options: PyTorchOptions,
): Record<string, string | Uint8Array<ArrayBuffer>> {
  check(model, loader, options);
  const { loss, optimizer, epochs, scheduler, clipGradNorm, clipGradValue } = options;
  const names = namesIn(model, optimizer);
  const { tensors } = loader.dataset;
  const inputs = tensors.slice(0, -1).map((t, i) => [`inputs.${i}`, t] as const);
  const target = tensors[tensors.length - 1] as Tensor;
  const frozen = model.namedParameters().filter(([, p]) => !p.requiresGrad);
  const train = trainScript({
    ...lossSource(loss, target.shape.slice(1)),
    epochs,
    batchSize: loader.batchSize,
    rows: loader.rows,
    seed: loader.shuffle ? String(loader.seed) : 'None',
    firstPass: loader.epoch,
    groups: groupsSource(optimizer, names),
    optimizer: `torch.optim.${optimizer.constructor.name}`,
    frozen: literal(frozen.map(([name]) => name)),
    scheduler: schedulerLines(scheduler),
    clip:
      step(12, clipGradNorm !== undefined && `nn.utils.clip_grad_norm_(parameters, ${literal(clipGradNorm)})`) +
      step(12, clipGradValue !== undefined && `nn.utils.clip_grad_value_(parameters, ${literal(clipGradValue)})`),
    perStep: step(12, scheduler?.per === 'step' && 'scheduler.step()'),
    perEpoch: step(
      8,
      scheduler?.per === 'epoch' && `scheduler.step(${scheduler instanceof ReduceLROnPlateau ? 'mean' : ''})`,
    ),
  });
  return {
    'model.py': `from torch import nn\n\n\ndef build():\n    return ${moduleSource(model).replaceAll('\n', '\n    ')}\n`,
    'train.py': train,
    'support.py': SUPPORT,
    'model.safetensors': toSafetensors(model.stateDict()),
    'optimizer.safetensors': toSafetensors(memoryOf(optimizer, names)),
    'data.safetensors': toSafetensors(Object.fromEntries([...inputs, ['target', target]])),
  };
}
