import {
  accuracy,
  DataLoader,
  f1,
  fit,
  gradCheck,
  IterableDataset,
  kFold,
  LabelEncoder,
  Linear,
  LogisticRegression,
  MLPClassifier,
  MSELoss,
  manualSeed,
  OneHotEncoder,
  parameter,
  rocAuc,
  SGD,
  TensorDataset,
  tensor,
} from 'downhill';
import { fromSafetensors, loadCheckpoint, saveCheckpoint, toSafetensors } from 'downhill/io';

const X = [[0], [1], [2], [3], [4], [5], [6], [7]];
const y = ['low', 'low', 'low', 'low', 'high', 'high', 'high', 'high'];

/** A part of the library around training: estimators, encoders, metrics, streams and files. */
export default async function run({ checkpoint }: { checkpoint: string }) {
  manualSeed(1);
  const logistic = await new LogisticRegression().fit(X, y);
  const network = await new MLPClassifier({ seed: 1, maxIter: 50 }).fit(X, y);
  const copy = MLPClassifier.fromJSON(JSON.stringify(network));
  const t = new LabelEncoder().fitTransform(y);
  const scores = tensor(logistic.predictProba(X)).log();
  const rows = new IterableDataset(() => X.map((x) => [x, x]));
  const model = new Linear(1, 1);
  await fit(model, new DataLoader(rows, { batchSize: 4 }), {
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters(), { lr: 0.01 }),
    epochs: 2,
    earlyStopping: { patience: 1 },
  });
  await saveCheckpoint(checkpoint, { model });
  const kept = await loadCheckpoint(checkpoint);
  return {
    predicted: logistic.predict([[1], [6]]),
    same: JSON.stringify(copy.predictProba(X)) === JSON.stringify(network.predictProba(X)),
    metrics: [accuracy(scores, t), f1(scores, t), rocAuc(scores, t)],
    oneHot: new OneHotEncoder().fitTransform([['b'], ['a']]).toArray(),
    folds: [...kFold(new TensorDataset(X, X), 4)].length,
    gradient: gradCheck((w) => w.square().sum(), [parameter([1, 2])]),
    weight: kept?.model?.weight?.item() === model.weight.item(),
    tensors: Object.keys(fromSafetensors(toSafetensors(model.stateDict())).tensors),
  };
}
