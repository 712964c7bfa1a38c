import { manualSeed, rand, randn, type Tensor, tensor } from 'downhill';
import type { Settings } from '../page/form';

/** Points of a class. */
const HALF = 100;
export const ROWS = 2 * HALF;

const TURN = 2 * Math.PI;
/** 0 to 1 in equal steps, for the points of one class. */
const steps = () => tensor(Array.from({ length: HALF }, (_, i) => i / (HALF - 1)));
/** 1 for the points of the first class, -1 for those of the second. */
const classes = () => tensor(Array.from({ length: ROWS }, (_, i) => (i < HALF ? 1 : -1)));
const pairs = (x: Tensor, y: Tensor) => x.stack(y, { axis: 1 });
const polar = (radius: Tensor, angle: Tensor) => pairs(radius.mul(angle.cos()), radius.mul(angle.sin()));

/** Points in the square from -1 to 1, [rows, 2], the first class first. */
const SHAPES = {
  ring() {
    const inner = rand([HALF]).sqrt().mul(0.45);
    const outer = rand([HALF]).mul(0.25).add(0.7);
    return polar(inner.concat(outer), rand([ROWS]).mul(TURN));
  },
  xor() {
    const sign = rand([ROWS]).gt(0.5).mul(2).sub(1);
    const [x, y] = [rand([ROWS]).mul(0.85).add(0.08), rand([ROWS]).mul(0.85).add(0.08)];
    return pairs(x.mul(sign), y.mul(sign).mul(classes()));
  },
  spiral() {
    const [t, half] = [steps(), steps().mul(0.9 * TURN)];
    const radius = t.mul(0.9).add(0.05);
    return polar(radius.concat(radius), half.concat(half.add(TURN / 2)));
  },
  moons() {
    const angle = steps().mul(TURN / 2);
    const upper = pairs(angle.cos().sub(0.5), angle.sin().sub(0.25));
    return upper.concat(upper.neg()).mul(0.62);
  },
};

/** Two classes of points, x of [rows, 2] and y of [rows, 1], which is 1 or -1. */
export function pointsOf({ shape, noise, seed }: Settings): { x: Tensor; y: Tensor } {
  manualSeed(Number(seed));
  const clean = SHAPES[shape as keyof typeof SHAPES]();
  return { x: clean.add(randn([ROWS, 2]).mul(Number(noise))), y: classes().reshape([ROWS, 1]) };
}
