import { DataLoader, type FitOptions, fit, Linear, MSELoss, manualSeed, randn, SGD, TensorDataset } from 'downhill';

/** Trains while the clock stands still, as it does in Cloudflare's workers, and while it goes. */
export default async function run() {
  const train = async (more: Partial<FitOptions>) => {
    manualSeed(1);
    const x = randn([100, 3]);
    const model = new Linear(3, 1);
    const optimizer = new SGD(model.parameters(), { lr: 0.01 });
    const loader = new DataLoader(new TensorDataset(x, x.sum({ axis: 1, keepDims: true })), { batchSize: 10 });
    const { stoppedBy } = await fit(model, loader, { loss: new MSELoss(), optimizer, epochs: 20, ...more });
    return { stoppedBy, weight: String(model.weight.toArray()) };
  };
  const { now } = performance;
  const going = await train({});
  performance.now = () => 1000;
  try {
    const reports: number[] = [];
    const still = await train({ onProgress: ({ rowsPerSecond }) => reports.push(rowsPerSecond) });
    const byHand = await train({ compiled: false });
    const endless = [true, false].map(async (compiled) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort());
      const { stoppedBy } = await train({ epochs: 1e6, compiled, signal: controller.signal, onEpochEnd: () => {} });
      return stoppedBy;
    });
    const same = still.weight === going.weight && byHand.weight === going.weight;
    return { same, reports, stoppedBy: await Promise.all(endless) };
  } finally {
    performance.now = now;
  }
}
