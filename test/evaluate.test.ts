import { evaluate, fit, manualSeed, noGrad, parameter, predict, rand, randn, SGD, type Tensor, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';

const ROWS = 1500;
const HIDDEN = 3000;

/** Notes the rows of each batch that has values. */
abstract class Noting extends nn.Module {
  readonly seen: number[] = [];
  abstract compute(x: Tensor): Tensor;
  forward(x: Tensor): Tensor {
    if (x.hasValues) this.seen.push(x.shape[0] as number);
    return this.compute(x);
  }
}

class Network extends Noting {
  readonly layers = new nn.Sequential(
    new nn.Linear(6, HIDDEN),
    new nn.BatchNorm1d(HIDDEN),
    new nn.GELU(),
    new nn.Dropout(0.5),
    new nn.LayerNorm(HIDDEN),
    new nn.Linear(HIDDEN, 3),
  );
  compute(x: Tensor): Tensor {
    return this.layers.forward(x);
  }
}

class Centred extends Network {
  override compute(x: Tensor): Tensor {
    return super.compute(x.sub(x.mean({ axis: 0 })));
  }
}

class Counting extends Network {
  readonly batches = tensor([0]);
  override compute(x: Tensor): Tensor {
    this.batches.assign(this.batches.add(1));
    return super.compute(x);
  }
}

class Turned extends Network {
  readonly weight = parameter(randn([3, 6]));
  override compute(x: Tensor): Tensor {
    return this.weight.matmul(x.transpose()).transpose();
  }
}

class Reading extends Network {
  override compute(x: Tensor): Tensor {
    return super.compute(x).mul(x.slice(0, 1).sum().item() > 1e9 ? 0 : 1);
  }
}

const whole = [ROWS];
const pieces = [768, 732];
const MODELS = [
  { name: 'rows that are computed alone', make: () => new Network(), seen: pieces },
  { name: 'rows that depend on each other', make: () => new Centred(), seen: whole },
  { name: 'a forward that counts its batches', make: () => new Counting(), seen: whole },
  { name: 'an output that lies column by column', make: () => new Turned(), seen: whole },
  { name: 'a forward that asks for values', make: () => new Reading(), seen: whole },
];

function data(): [Tensor, Tensor] {
  manualSeed(6);
  return [rand([ROWS, 6]), tensor(Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % 3))];
}

describe('a large batch is evaluated', () => {
  it.each(MODELS)('to the same bits as at once: $name', async ({ make, seen }) => {
    const [x, y] = data();
    const model = make();
    const criterion = new nn.CrossEntropyLoss();
    const shapes: unknown[] = [];
    const loss = (output: Tensor, target: Tensor) => {
      shapes.push(output.shape);
      return criterion.forward(output, target);
    };
    const loader = new DataLoader(new TensorDataset(x, y), { batchSize: ROWS });
    const measured = await evaluate(model, loader, { loss });
    expect(shapes).toEqual([[ROWS, 3]]);
    expect(model.seen).toEqual(seen);
    const output = noGrad(() => model.eval().forward(x));
    expect(measured.loss).toBe(criterion.forward(output, y).item());
    expect(bitsOf(await predict(model, x, { batchSize: ROWS }))).toEqual(bitsOf(output));
  });

  it('and can be stopped in the middle', async () => {
    const [x, y] = data();
    const model = new Network();
    const stop = new AbortController();
    const { seen } = model;
    const compute = model.compute.bind(model);
    model.compute = (t) => {
      if (seen.includes(768)) stop.abort();
      return compute(t);
    };
    const validation = new DataLoader(new TensorDataset(x, y), { batchSize: ROWS });
    const loader = new DataLoader(new TensorDataset(x.slice(0, 64), y.slice(0, 64)), { batchSize: 64 });
    const options = { loss: new nn.CrossEntropyLoss(), optimizer: new SGD(model.parameters()), epochs: 3 };
    const { stoppedBy } = await fit(model, loader, { ...options, validation, signal: stop.signal });
    expect([stoppedBy, seen]).toEqual(['signal', [768]]);
  });
});
