import { fit, manualSeed, noGrad, type Tensor, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import { Linear, type Module, ReLU, Sequential, Sigmoid, Tanh } from 'downhill/nn';
import { grid } from '../draw/map';
import { Trail } from '../draw/trail';
import { RULES, type RuleName } from '../optimizers';
import type { Settings } from '../page/form';
import type { Pace } from '../page/player';
import { COSTS, type CostName } from './costs';
import { pointsOf, ROWS } from './data';

export const MOST_EPOCHS = 3000;

/** What the pictures show. */
export const DOMAIN = { x: [-1.15, 1.15], y: [-1.15, 1.15] } as const;
/** Points a side of the decision surface, and of what a neuron sees. */
const SIDES = { surface: 64, neuron: 20 };

const ACTIVATIONS: Readonly<Record<string, () => Module[]>> = {
  tanh: () => [new Tanh()],
  relu: () => [new ReLU()],
  sigmoid: () => [new Sigmoid()],
  none: () => [],
};

/** The numbers of a layer: weights [out, in], then biases [out]. */
export interface LayerNumbers {
  weights: Float32Array;
  biases: Float32Array;
}

/** A network from two inputs to one output, in blocks; without a hidden layer it is a straight line. */
function networkOf({ depth, width, activation }: Settings): Sequential {
  const bend = ACTIVATIONS[activation as string] as () => Module[];
  const sizes = [2, ...new Array<number>(Number(depth)).fill(Number(width))];
  const hidden = sizes.slice(1).map((size, i) => new Sequential(new Linear(sizes[i] as number, size), ...bend()));
  return new Sequential(...hidden, new Linear(sizes[sizes.length - 1] as number, 1));
}

const inputsOf = (side: number) => {
  const [x, y] = grid(DOMAIN, side);
  return tensor(x).stack(tensor(y), { axis: 1 });
};

/** A network that learns to tell two classes of points apart. */
export class NetworkTraining {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly batchSize: number;
  readonly updatesPerEpoch: number;
  /** A cost of all points that is small enough. */
  readonly acceptable: number;
  /** The cost of all points after each epoch. */
  readonly costs: Trail;
  readonly #model: Sequential;
  readonly #loader: DataLoader;
  readonly #grids = { surface: inputsOf(SIDES.surface), neuron: inputsOf(SIDES.neuron) };
  updates = 0;

  constructor(readonly settings: Settings) {
    const { batch, seed, acceptable } = settings;
    const { x, y } = pointsOf(settings);
    [this.x, this.y] = [x, y];
    manualSeed(Number(seed));
    this.#model = networkOf(settings);
    this.batchSize = batch === 'all' ? ROWS : Number(batch);
    const shuffle = this.batchSize < ROWS;
    this.#loader = new DataLoader(new TensorDataset(x, y), { batchSize: this.batchSize, shuffle, seed: Number(seed) });
    this.updatesPerEpoch = this.#loader.length;
    this.acceptable = Number(acceptable) * this.#cost.summed;
    this.costs = new Trail([0, this.gradient().cost]);
  }

  get #cost() {
    return COSTS[this.settings.cost as CostName];
  }

  get epochs(): number {
    return Math.floor(this.updates / this.updatesPerEpoch);
  }

  get parameters(): Tensor[] {
    return this.#model.parameters();
  }

  /** Trains until the cost of all points is small enough, whenever the pace allows it. */
  async train(pace: Pace): Promise<boolean> {
    const { rule, rate } = this.settings;
    const { dataset } = this.#loader;
    const history = await fit(this.#model, this.#loader, {
      loss: this.#cost.loss,
      optimizer: RULES[rule as RuleName].make(this.#model.parameters(), Number(rate)),
      epochs: MOST_EPOCHS,
      validation: new DataLoader(dataset, { batchSize: ROWS }),
      earlyStopping: { monitor: 'valLoss', targetLoss: this.acceptable },
      signal: pace.signal,
      onBatchEnd: ({ batch }) => {
        this.updates++;
        return batch < this.updatesPerEpoch ? pace.ready() : undefined;
      },
      onEpochEnd: ({ epoch, valLoss = Number.NaN }) => {
        this.costs.pass([epoch, valLoss]);
        return valLoss > this.acceptable ? pace.ready({ epochEnded: true }) : undefined;
      },
    });
    return history.stoppedBy === 'targetLoss';
  }

  /** The cost of all points, its derivatives in each layer, and the gradient's length. */
  gradient(): { cost: number; length: number; layers: LayerNumbers[] } {
    for (const p of this.parameters) p.grad = undefined;
    const cost = this.#cost.loss(this.#model.forward(this.x), this.y);
    cost.backward();
    const layers = layersOf(this.parameters.map(({ grad }) => grad as Tensor));
    for (const p of this.parameters) p.grad = undefined;
    const square = layers.flatMap(({ weights, biases }) => [...weights, ...biases]).reduce((sum, d) => sum + d * d, 0);
    return { cost: cost.item(), length: Math.sqrt(square), layers };
  }

  get layers(): LayerNumbers[] {
    return layersOf(this.parameters);
  }

  /** The share of the points that are on their side of the boundary. */
  accuracy(): number {
    return noGrad(() => this.#model.forward(this.x).mul(this.y).gt(0).to('float32').mean().item());
  }

  /** How sure the network is of its answer all over the domain, row by row. */
  surface(): Float32Array {
    const output = noGrad(() => this.#cost.certainty(this.#model.forward(this.#grids.surface)));
    return output.toTypedArray() as Float32Array;
  }

  /** What each neuron of each hidden layer answers all over the domain, row by row. */
  neurons(): Float32Array[][] {
    return noGrad(() => {
      let values = this.#grids.neuron;
      return this.#model.layers.slice(0, -1).map((block) => {
        values = block.forward(values);
        const columns = values.transpose().toTypedArray() as Float32Array;
        const rows = SIDES.neuron ** 2;
        return Array.from({ length: columns.length / rows }, (_, i) => columns.subarray(i * rows, (i + 1) * rows));
      });
    });
  }
}

const layersOf = (tensors: readonly Tensor[]): LayerNumbers[] =>
  Array.from({ length: tensors.length / 2 }, (_, i) => {
    const [weights, biases] = [tensors[2 * i], tensors[2 * i + 1]].map((t) => t?.toTypedArray() as Float32Array);
    return { weights: weights as Float32Array, biases: biases as Float32Array };
  });
