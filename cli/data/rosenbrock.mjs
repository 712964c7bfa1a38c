// @ts-check

/**
 * Rosenbrock's valley, (1 - x)² + 100 (y - x²)², element by element; its lowest point is (1, 1).
 * @type {(x: import('downhill').Tensor, y: import('downhill').Tensor) => import('downhill').Tensor}
 */
export const rosenbrock = (x, y) => x.sub(1).square().add(y.sub(x.square()).square().mul(100));
