/** The value below which a share `q` of the sorted numbers lies, between neighbours linearly. */
function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Median, quartiles and extremes. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    min: sorted[0],
    lower: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    upper: quantile(sorted, 0.75),
    max: sorted.at(-1),
  };
}

let sunk = 0;

/** Takes a result, so that no engine can leave out what made it. */
export function sink(value) {
  sunk += Number.isFinite(value) ? value : 0;
}

/** All that was sunk; print it. */
export function sum() {
  return sunk;
}

const GOLDEN = 0x9e3779b9;

/** Random numbers for data: mulberry32, the same everywhere for the same seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + GOLDEN) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}
