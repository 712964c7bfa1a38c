import { fit, manualSeed, rand, randn } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import { checkpointTo, loadCheckpoint } from 'downhill/io';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { hashOf } from '../determinism/hash';

/** How a process trains; no way changes a bit. */
export interface Way {
  target: string;
  compiled: boolean;
  /** Milliseconds of a slice; it is kept after each. */
  yieldEvery: number;
}

/** Trains what can be killed at any moment, and says `training`, and at the end the hash of all that it ends with. */
async function train({ target, compiled, yieldEvery }: Way): Promise<void> {
  manualSeed(11);
  const x = randn([45, 4]);
  const loader = new DataLoader(new TensorDataset(x, x.sin().sum({ axis: 1, keepDims: true })), {
    batchSize: 16,
    shuffle: true,
  });
  const model = new nn.Sequential(
    new nn.Linear(4, 16),
    new nn.BatchNorm1d(16),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Linear(16, 1),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 72, per: 'step' });
  const resume = await loadCheckpoint(target);
  const checkpoint = checkpointTo(target, { everySeconds: 0 });
  const loss = new nn.MSELoss();
  console.log('training');
  const options = { loss, optimizer, scheduler, epochs: 24, checkpoint, resume, compiled, yieldEvery };
  const history = await fit(model, loader, options);
  const rows = history.epochs.map(({ seconds: _, ...row }) => row);
  const extra = model.modules().map((m) => m.getExtraState());
  const states = [model, optimizer, scheduler, loader].map((part) => part.stateDict());
  console.log(`done ${hashOf({ rows, stoppedBy: history.stoppedBy, states, extra, drawn: rand([1]) })}`);
}

await train(JSON.parse(process.argv[2] as string));
