import { DataLoader, fit, Linear, MSELoss, manualSeed, randn, SGD, TensorDataset } from 'downhill';
import { worker } from 'downhill/worker';

/** Trains with a worker, where there is none to be had, and without. */
export default async function run() {
  const train = async (more: object) => {
    manualSeed(1);
    const x = randn([100, 3]);
    const model = new Linear(3, 1);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const loader = new DataLoader(new TensorDataset(x, x.sum({ axis: 1, keepDims: true })), { batchSize: 10 });
    const history = await fit(model, loader, { loss: new MSELoss(), optimizer, epochs: 3, ...more });
    return { history, weight: String(model.weight.toArray()) };
  };
  const [there, here] = [await train({ worker }), await train({})];
  const { why, epochs, worker: memory } = there.history;
  return { why, epochs: epochs.length, worker: memory, same: there.weight === here.weight };
}
