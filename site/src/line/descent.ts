import { fit } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import type { Linear } from 'downhill/nn';
import { CostSurface } from 'downhill-cli/data/cost-surface.mjs';
import { halfSquaredError, type Line, lineOf, modelOf } from 'downhill-cli/data/line.mjs';
import type { Point } from '../draw/plot';
import { Trail } from '../draw/trail';
import { RULES, type RuleName } from '../optimizers';
import type { Settings } from '../page/form';
import type { Pace } from '../page/player';
import { columns } from './points';

/** Descent of a line through points: how far it is, and the way that it came. */
export class LineDescent {
  readonly surface: CostSurface;
  readonly batchSize: number;
  readonly updatesPerEpoch: number;
  /** w and b after each update. */
  readonly path: Trail;
  /** The cost of all points after each update, by epochs. */
  readonly costs: Trail;
  /** The line before the last update. */
  before: Line;
  updates = 0;
  readonly #model: Linear;
  readonly #loader: DataLoader;

  constructor(
    readonly settings: Settings,
    readonly points: readonly Point[],
  ) {
    const rows = points.length;
    const { x, y } = columns(points);
    this.surface = new CostSurface(x.toTypedArray(), y.toTypedArray());
    this.batchSize = Math.min(rows, settings.batch === 'all' ? rows : Number(settings.batch));
    const shuffle = this.batchSize < rows;
    const options = { batchSize: this.batchSize, shuffle, seed: Number(settings.seed) };
    this.#loader = new DataLoader(new TensorDataset(x, y), options);
    this.updatesPerEpoch = this.#loader.length;
    this.before = { w: Number(settings.w), b: Number(settings.b) };
    this.#model = modelOf(this.before);
    this.path = new Trail([this.before.w, this.before.b]);
    this.costs = new Trail([0, this.cost]);
  }

  get line(): Line {
    return lineOf(this.#model);
  }

  /** The cost of all points. */
  get cost(): number {
    return this.surface.cost(this.line);
  }

  /** Updates w and b, batch by batch, whenever the pace allows it. */
  async train(pace: Pace): Promise<void> {
    const { rule, rate, epochs } = this.settings;
    const parameters = this.#model.parameters();
    const last = Number(epochs);
    await fit(this.#model, this.#loader, {
      loss: halfSquaredError,
      optimizer: RULES[rule as RuleName].make(parameters, Number(rate)),
      epochs: last,
      signal: pace.signal,
      onBatchEnd: ({ epoch, batch }) => {
        this.#note();
        const epochEnded = batch === this.updatesPerEpoch;
        return epoch === last && epochEnded ? undefined : pace.ready({ epochEnded });
      },
    });
  }

  #note(): void {
    const [w, b] = this.path.last as Point;
    this.before = { w, b };
    this.updates++;
    const line = this.line;
    this.path.pass([line.w, line.b]);
    this.costs.pass([this.updates / this.updatesPerEpoch, this.surface.cost(line)]);
  }
}
