/**
 * The kernels' names and numbers, read by both compilers.
 *
 * A name is what the kernel does and to what: `sumRows`, `packColumns`, `updateAdam`. The letters are the same everywhere:
 * m rows of the batch, k inputs, n outputs; x, y activations, dx, dy gradients; strides in elements, addresses in bytes.
 *
 * A record in memory, 4-byte words:
 *
 *     | kernel | bytes to the next record | argument 0 | argument 1 | …
 *
 * Every buffer starts at a multiple of 64 bytes and owns whole lines of 64 bytes. So a kernel over a flat buffer may run
 * to the next multiple of 4 elements, and any kernel may read (never write) up to 64 bytes past the end of its operand.
 *
 * The orders of summation. They are a contract: whoever computes the same sum, in whatever blocks, keeps the order.
 * (a) products: k in blocks of 256 counted from 0; in a block one accumulator from +0, k ascending; the first block is
 *     stored, later ones are added in order; then the bias.
 * (b) products with fewer than 8 outputs, and sums along a contiguous axis: 16 partials from +0 by index mod 16, folded
 *     8, 4, 2, 1; missing elements are +0.
 * (c) sums over rows (weight and bias gradients, losses): blocks of 256 rows counted from 0; in a block one accumulator
 *     from +0, rows ascending, or where a row is one number four partials from +0 by row mod 4, folded 2, 1; the first
 *     block is stored, later ones are added in order.
 */
export enum Kernel {
  copyWords,
  copyStrided,
  fillWords,
  addToWord,
  gatherRows,
  scatterRows,
  permute,
  fillUniform,
  fillNormal,
  fillMask,
  mapUnary,
  mapBinary,
  select,
  sumColumns,
  sumRows,
  extremeColumns,
  indexExtreme,
  softmaxColumns,
  product,
  productNarrow,
  elementwiseLoss,
  softmaxCrossEntropy,
  linearModel,
  linearSgd,
  updateSgd,
  updateAdam,
  updateRmsprop,
  updateAdadelta,
  updateAdamax,
  updateLion,
  findNonFinite,
  barrier,
}

/** y = f(x, p), one element at a time; p is a constant. */
export enum Unary {
  negate,
  absolute,
  square,
  squareRoot,
  exp,
  log,
  sin,
  cos,
  tanh,
  sigmoid,
  relu,
  leakyRelu,
  elu,
  silu,
  gelu,
  softplus,
  scale,
  shift,
  toFloat,
  toInt,
}

/** y = f(a, b, p). The names that end in Gradient take a = dy and b = what the formula needs: x, or y where it is cheaper. */
export enum Binary {
  add,
  subtract,
  multiply,
  divide,
  power,
  maximum,
  minimum,
  equal,
  greater,
  less,
  absoluteGradient,
  tanhGradient,
  sigmoidGradient,
  reluGradient,
  leakyReluGradient,
  eluGradient,
  siluGradient,
  geluGradient,
  softplusGradient,
}

/** loss(output, target, p), one element at a time; p is a constant. */
export enum Loss {
  squared,
  logistic,
  absolute,
  huber,
}

/** What happens to a product's sum before it is stored. */
export enum Activation {
  none,
  relu,
}

/** k in blocks of this many for products, rows in blocks of this many for sums over a batch. */
export const BLOCK = 256;
/** Columns in a packed panel, and so in a tile. */
export const PANEL = 16;
/** Columns that are packed at a time: 256 x 512 floats are half a MiB and stay in the second-level cache. */
export const PACKED_COLUMNS = 512;
/** Rows of the left operand that stay in the second-level cache while the panels of the right one pass. */
export const PACKED_ROWS = 64;
/** Products with fewer outputs than this use order (b). */
export const NARROW = 8;
