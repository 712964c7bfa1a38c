import { configure, noGrad, rand, runtimeInfo } from 'downhill';

const MILLISECONDS = 200;

/** Products of the sizes that networks have, and functions of 65,536 numbers. */
const WORK = {
  'product 256x256x256': () => {
    const [a, b] = [rand([256, 256]), rand([256, 256])];
    return () => a.matmul(b);
  },
  'product 64x784x128': () => {
    const [a, b] = [rand([64, 784]), rand([784, 128])];
    return () => a.matmul(b);
  },
  'product 512x1024x1024': () => {
    const [a, b] = [rand([512, 1024]), rand([1024, 1024])];
    return () => a.matmul(b);
  },
  'exp of 65,536': () => {
    const x = rand([65536]);
    return () => x.exp();
  },
  'tanh of 65,536': () => {
    const x = rand([65536]);
    return () => x.tanh();
  },
};

/** The least time of a call: what others on the machine take away only adds. */
function least(call) {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end) {
    // About a millisecond's worth, for clocks that tick in coarse steps.
    const times = Math.min(64, 1 + Math.floor(1000 / best));
    const started = performance.now();
    for (let i = 0; i < times; i++) call().dispose();
    best = Math.min(best, ((performance.now() - started) * 1000) / times);
  }
  return best;
}

/** The microseconds of each piece of work, by the kernels of fastMath or by the default ones: once in a process or page. */
export function kernels(fast) {
  configure({ fastMath: fast });
  const micros = noGrad(() => Object.fromEntries(Object.entries(WORK).map(([name, make]) => [name, least(make())])));
  return { build: runtimeInfo().build, micros };
}
