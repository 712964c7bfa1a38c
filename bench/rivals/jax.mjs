/** jax-js on its wasm backend, or an error where it is not installed. */
export async function loadJax() {
  const jax = await import('@jax-js/jax');
  jax.defaultDevice('wasm');
  return jax;
}

// Whoever is given an array uses it up; `ref` keeps it for another use.

const LOSSES = {
  squared: ({ np }, o, t) => np.square(o.sub(t)).mean(),
  logistic: ({ nn }, o, t) => nn.softplus(o.ref).sub(o.mul(t)).mean(),
  crossEntropy: ({ nn, np }, o, t) => np.sum(nn.logSoftmax(o).mul(t), 1).mean().mul(-1),
};

const UPDATES = {
  sgd: (_, { params, us, vs, lr }, grads) => ({ params: params.map((p, i) => p.sub(grads[i].mul(lr))), us, vs }),
  adam({ np }, { params, us, vs, rate, root }, grads) {
    const nextU = us.map((u, i) => u.mul(0.9).add(grads[i].ref.mul(0.1)));
    const nextV = vs.map((v, i) => v.mul(0.999).add(np.square(grads[i]).mul(0.001)));
    const size = (i) => np.sqrt(nextV[i].ref).mul(root.ref).add(1e-8);
    const next = params.map((p, i) => p.sub(nextU[i].ref.mul(rate.ref).div(size(i))));
    rate.dispose();
    root.dispose();
    return { params: next, us: nextU, vs: nextV };
  },
};

/** A step of training as one compiled function of the parameters, the moments and the batch. */
function stepOf(jax, { sizes, loss, optimizer, lr }) {
  const tools = { np: jax.numpy, nn: jax.nn };
  const cost = (params, x, t) => {
    let h = x;
    for (let i = 0; i + 1 < sizes.length; i++) {
      const y = jax.numpy.matmul(h, jax.numpy.transpose(params[2 * i])).add(params[2 * i + 1]);
      h = i + 2 < sizes.length ? jax.nn.relu(y) : y;
    }
    return LOSSES[loss](tools, h, t);
  };
  return jax.jit((state, x, t) => {
    const copies = state.params.map((p) => p.ref);
    const [value, grads] = jax.valueAndGrad(cost)(copies, x, t);
    return { value, ...UPDATES[optimizer](tools, { ...state, lr }, grads) };
  });
}

/** The loop that its users write: gather, one compiled step. */
export function jaxJs(jax, spec, updates) {
  const { numpy: np } = jax;
  const { data, sizes, initial, batch, lr, optimizer, shuffle = true } = spec;
  const { x, y, rows, features, order } = data;
  const outputs = sizes.at(-1);
  const step = stepOf(jax, spec);
  let [xs, ys] = [];

  function start() {
    const values = sizes.slice(1).flatMap((_, i) => [initial[`${2 * i}.weight`], initial[`${2 * i}.bias`]]);
    const zeros = () => (optimizer === 'adam' ? values.map(({ shape }) => np.zeros(shape)) : []);
    return { params: values.map(({ shape, data: d }) => np.array(d).reshape(shape)), us: zeros(), vs: zeros() };
  }

  function ratesOf(steps) {
    if (optimizer !== 'adam') return {};
    return { rate: np.array(lr / (1 - 0.9 ** steps)), root: np.array(1 / Math.sqrt(1 - 0.999 ** steps)) };
  }

  return {
    name: 'jax-js',
    updates,
    most: updates,
    prepare() {
      xs = np.array(x).reshape([rows, features]);
      ys = y instanceof Int32Array ? jax.nn.oneHot(np.array(y), outputs) : np.array(y).reshape([rows, outputs]);
    },
    run(count) {
      let state = start();
      let [total, steps] = [0, 0];
      for (let pass = 0; pass < count / Math.ceil(rows / batch); pass++) {
        total = 0;
        const now = shuffle ? order(pass) : undefined;
        for (let first = 0; first < rows; first += batch) {
          const m = Math.min(batch, rows - first);
          const at = now && np.array(now.slice(first, first + m));
          const [bx, by] = at ? [xs.ref.slice(at.ref), ys.ref.slice(at)] : [xs.ref, ys.ref];
          const { value, ...next } = step({ ...state, ...ratesOf(++steps) }, bx, by);
          state = next;
          total += value.dataSync()[0] * m;
        }
      }
      for (const array of [...state.params, ...state.us, ...state.vs]) array.dispose();
      return { loss: total / rows };
    },
    release() {
      xs.dispose();
      ys.dispose();
    },
  };
}
