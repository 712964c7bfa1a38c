import {
  CrossEntropyLoss,
  configure,
  DataLoader,
  fit,
  Linear,
  manualSeed,
  ReLU,
  randn,
  Sequential,
  SGD,
  TensorDataset,
  tensor,
} from 'downhill';
import { worker } from 'downhill/worker';

/** Looks at the clock whenever the page has nothing else to do; returns the gaps between two looks, in milliseconds. */
function watch(): () => number[] {
  const gaps: number[] = [];
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  port1.onmessage = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    port2.postMessage(null);
  };
  port2.postMessage(null);
  return () => {
    port1.onmessage = null;
    return gaps;
  };
}

/** Trains 512-1024-1024-10 for some steps, in a worker or here; how long the page was busy at most, and how much of the time. */
export default async function run({ away, steps }: { away: boolean; steps: number }) {
  // Here means on the page's own thread alone.
  if (!away) configure({ threads: 1 });
  manualSeed(1);
  const [rows, batchSize] = [512, 256];
  const data = new TensorDataset(randn([rows, 512]), tensor(Int32Array.from({ length: rows }, (_, i) => i % 10)));
  const model = new Sequential(
    new Linear(512, 1024),
    new ReLU(),
    new Linear(1024, 1024),
    new ReLU(),
    new Linear(1024, 10),
  );
  const options = { loss: new CrossEntropyLoss(), optimizer: new SGD(model.parameters(), { lr: 0.01 }) };
  const loader = new DataLoader(data, { batchSize, shuffle: true });
  const stop = new AbortController();
  // What is compiled and copied at first is not what is looked at.
  let gapsOf = () => [] as number[];
  let [looks, aborted, began] = [0, 0, 0];
  const onProgress = () => {
    if (looks++ === 0) {
      began = performance.now();
      gapsOf = watch();
    } else if (performance.now() - began > steps * 50) {
      aborted = performance.now();
      stop.abort();
    }
  };
  const history = await fit(model, loader, {
    ...options,
    epochs: 1e6,
    onProgress,
    signal: stop.signal,
    ...(away && { worker }),
  });
  const stopped = performance.now() - aborted;
  const gaps = gapsOf();
  const seconds = (aborted - began) / 1000;
  return { memory: history.worker, longest: Math.max(...gaps), looks: gaps.length, seconds, progress: looks, stopped };
}
