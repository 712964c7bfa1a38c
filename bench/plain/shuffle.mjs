const GOLDEN = 0x9e3779b9;

/** Shuffles by xorshift32 (Marsaglia 2003) and returns the generator's next state. */
function mix(order, seed) {
  let state = seed;
  for (let i = order.length - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = ((state >>> 0) * ((i + 1) * 2 ** -32)) | 0;
    const last = order[i];
    order[i] = order[j];
    order[j] = last;
  }
  return state;
}

/**
 * Fisher and Yates's shuffle as a plain loop would do it. Contenders read rows in the order that the workload gives, so that
 * losses agree; a plain loop shuffles beside it, so that it pays for a shuffle too.
 */
export function shuffler(rows) {
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  let state = GOLDEN | 0;
  return () => {
    state = mix(order, state);
    return order[0] ?? 0;
  };
}
