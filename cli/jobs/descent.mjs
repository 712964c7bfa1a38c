// @ts-check
import { fit } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import { SGD } from 'downhill/optim';
import { halfSquaredError, lineOf, modelOf } from '../data/line.mjs';

const START = { w: 0, b: 0 };
/** A fit that is timed takes at least this long, and the fastest of some counts: other work only ever adds time. */
const TIMED_SECONDS = 0.1;
const REPEATS = 3;
const NOISE_BATCHES = 1000;
const MOST_EPOCHS = 20_000;

/** Descent with batches of one size on the cost of a line, and what can be measured of it. */
export class Descent {
  /**
   * @param {{ x: import('downhill').Tensor, y: import('downhill').Tensor, batchSize: number, lr: number }} options
   */
  constructor({ x, y, batchSize, lr }) {
    this.dataset = new TensorDataset(x, y);
    this.batchSize = batchSize;
    this.lr = lr;
    this.updatesPerEpoch = this.#loader().length;
  }

  #loader() {
    const shuffle = this.batchSize < this.dataset.length;
    return new DataLoader(this.dataset, { batchSize: this.batchSize, shuffle, seed: 42 });
  }

  #from(line = START) {
    const model = modelOf(line);
    return { model, optimizer: new SGD(model.parameters(), { lr: this.lr }), loader: this.#loader() };
  }

  /** The bytes of a batch's rows. */
  batchBytes() {
    const [rows] = this.#loader();
    return (rows ?? []).reduce((bytes, { size }) => bytes + size * Float32Array.BYTES_PER_ELEMENT, 0);
  }

  /** Seconds that fit takes for an update, all in. */
  async secondsPerUpdate() {
    const { model, optimizer, loader } = this.#from();
    const timed = async (/** @type {number} */ epochs) => {
      const start = performance.now();
      await fit(model, loader, { loss: halfSquaredError, optimizer, epochs });
      return (performance.now() - start) / 1000;
    };
    let epochs = 1;
    while ((await timed(epochs)) < TIMED_SECONDS) epochs *= 2;
    let fastest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < REPEATS; i++) fastest = Math.min(fastest, await timed(epochs));
    return fastest / (epochs * this.updatesPerEpoch);
  }

  /**
   * The mean of |g of a batch - g of all rows|^2 at the optimum, over whole epochs.
   * @param {import('../data/cost-surface.mjs').CostSurface} surface
   */
  gradientNoise(surface) {
    const { model, optimizer, loader } = this.#from(surface.optimum);
    const full = surface.gradient(lineOf(model));
    let sum = 0;
    let batches = 0;
    while (batches < NOISE_BATCHES) {
      for (const [x, y] of loader) {
        optimizer.zeroGrad();
        halfSquaredError(model.forward(x), y).backward();
        const [dw = Number.NaN, db = Number.NaN] = model.parameters().map(({ grad }) => grad?.item());
        sum += (dw - full.w) ** 2 + (db - full.b) ** 2;
        batches++;
      }
    }
    return sum / batches;
  }

  /**
   * Descends until the cost of all rows is at most `cost` after an epoch, and then watches it for some epochs more.
   * @param {{ cost: number, watch: number }} options
   */
  async settle({ cost, watch }) {
    const { model, optimizer, loader } = this.#from();
    const validation = new DataLoader(this.dataset, { batchSize: this.dataset.length });
    const options = { loss: halfSquaredError, optimizer, validation };
    const way = await fit(model, loader, { ...options, epochs: MOST_EPOCHS, earlyStopping: { targetLoss: cost } });
    const rest = await fit(model, loader, { ...options, epochs: watch });
    const costs = rest.epochs.map(({ valLoss }) => valLoss ?? Number.NaN);
    return { epochs: way.epochs.length, lowest: Math.min(...costs), highest: Math.max(...costs) };
  }

  /**
   * w and b after each update, by the loop written out: it takes the same steps as fit.
   * @param {number} updates
   */
  path(updates) {
    const { model, optimizer, loader } = this.#from();
    const path = [lineOf(model)];
    while (path.length <= updates) {
      for (const [x, y] of loader) {
        optimizer.zeroGrad();
        halfSquaredError(model.forward(x), y).backward();
        optimizer.step();
        path.push(lineOf(model));
      }
    }
    return path.slice(0, updates + 1);
  }
}
