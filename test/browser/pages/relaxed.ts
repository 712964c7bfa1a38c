import {
  configure,
  DataLoader,
  fit,
  Linear,
  MSELoss,
  manualSeed,
  ReLU,
  randn,
  runtimeInfo,
  Sequential,
  SGD,
  TensorDataset,
} from 'downhill';

/** Trains a network with the kernels of fastMath, or without. */
export default async function run({ fast }: { fast: boolean }) {
  configure({ fastMath: fast });
  manualSeed(1);
  const x = randn([200, 30]);
  const y = x.matmul(randn([30, 9])).tanh();
  const model = new Sequential(new Linear(30, 40), new ReLU(), new Linear(40, 9));
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 50, shuffle: true });
  const { build, epochs } = await fit(model, loader, { loss: new MSELoss(), optimizer, epochs: 3 });
  return { build: runtimeInfo().build, historyBuild: build, losses: epochs.map(({ loss }) => loss) };
}
