/**
 * A Fisher-Yates shuffle as a plain loop would do it, with xorshift32 (Marsaglia 2003). Contenders read rows in the order that
 * the workload gives, so that losses agree; a plain loop shuffles beside it, so that it pays for a shuffle too.
 */
export function shuffler(rows) {
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  let state = 0x9e3779b9;
  return () => {
    for (let i = rows - 1; i > 0; i--) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const j = ((state >>> 0) * (i + 1) * 2 ** -32) >>> 0;
      const last = order[i];
      order[i] = order[j];
      order[j] = last;
    }
    return order[0];
  };
}
