/** A number as source; String drops the sign of -0. */
export const literal = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

/** The fewest digits that stand for a float32: nine tell any two apart. */
export function digits(value: number): string {
  for (let n = 1; n < 9; n++) {
    const short = Number(value.toPrecision(n));
    if (Math.fround(short) === value) return literal(short);
  }
  return literal(Number(value.toPrecision(9)));
}
