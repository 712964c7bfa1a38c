import { DataLoader, fit, Linear, MSELoss, manualSeed, randn, runtimeInfo, SGD, TensorDataset } from 'downhill';

/** A line through 1000 points, and what the page is. */
export default async function run({ epochs }: { epochs: number }) {
  manualSeed(42);
  const x = randn([1000, 1]);
  const loader = new DataLoader(new TensorDataset(x, x.mul(3).add(2)), { batchSize: 64, shuffle: true });
  const model = new Linear(1, 1);
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const history = await fit(model, loader, { loss: new MSELoss(), optimizer, epochs });
  return {
    isolated: crossOriginIsolated,
    agent: navigator.userAgent,
    threads: runtimeInfo().threads,
    losses: history.epochs.map(({ loss }) => loss),
    line: [model.weight.item(), model.bias?.item()],
  };
}
