import { DataLoader, fit, Linear, MSELoss, manualSeed, randn, SGD, TensorDataset } from 'downhill';
import { worker } from 'downhill/worker';

/** Trains in a worker that the page ends in the middle, and without; what came of it. */
export default async function run() {
  const started: Worker[] = [];
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started.push(this);
    }
  };
  const train = async (more: object) => {
    manualSeed(1);
    const x = randn([1000, 3]);
    const model = new Linear(3, 1);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const loader = new DataLoader(new TensorDataset(x, x.sum({ axis: 1, keepDims: true })), { batchSize: 10 });
    const options = { loss: new MSELoss(), optimizer, epochs: 50, yieldEvery: 0.1, progressEvery: 0 };
    const history = await fit(model, loader, { ...options, ...more });
    return { history, weight: String(model.weight.toArray()) };
  };
  const here = await train({});
  let reports = 0;
  const onProgress = () => {
    if (++reports === 3) for (const thread of started) thread.terminate();
  };
  try {
    const { history, weight } = await train({ worker, onProgress });
    return { why: history.why, same: weight === here.weight };
  } catch (error) {
    return { error: (error as Error).name };
  }
}
