import type { Elsewhere, Opened } from '../wasm/place';
import { runtime } from '../wasm/runtime';
import { Apart } from './apart';

async function open(): Promise<Opened> {
  const { beside } = runtime();
  if (beside) {
    const why = await beside.start();
    return why === undefined ? { place: beside, memory: 'shared' } : { why };
  }
  const apart = new Apart(runtime());
  const why = await apart.start();
  return why === undefined ? { place: apart, memory: 'copied' } : { why };
}

/**
 * Takes the steps of a training on a thread of its own, for `fit({ worker })`: a page stays as quick as it is, and Node answers
 * others meanwhile. The bits are the same.
 *
 * Where memory can be shared (Node, pages that are cross-origin isolated) the thread has it too; else what a step needs goes over
 * as one transfer, and what was learned comes back as one. Losses and modules of your own work: they are recorded here. So do
 * metrics, schedules, samplers and callbacks, which run here between two slices of about 20 ms. Where no worker can be started
 * the training runs here, and `history.why` says why.
 *
 * @example
 * const loader = new DataLoader(new TensorDataset([[0], [1], [2]], [[1], [3], [5]]), { batchSize: 3 });
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.2 });
 * const history = await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 200, worker });
 * expect(history.worker).toBe('shared');
 */
export const worker: Elsewhere = { open };
