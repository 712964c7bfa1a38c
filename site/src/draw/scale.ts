/** From one value to another, both in. */
export type Span = readonly [from: number, to: number];

/** Where values stand on an axis. */
export interface Scale {
  /** 0 at the span's begin, 1 at its end. */
  share(value: number): number;
  /** The value at a share of the span. */
  value(share: number): number;
  /** Round values to name on the axis, about so many. */
  ticks(count: number): number[];
}

const STEPS = [1, 2, 5, 10];

/** The smallest of 1, 2, 5, 10, 20, ... that is not below the value. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (STEPS.find((step) => step * power >= value) ?? 10);
}

/** The multiples of a step in the span. */
function multiples([from, to]: Span, step: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.max(0, Math.floor(to / step + 1e-9) - first + 1);
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

export function linear([from, to]: Span): Scale {
  return {
    share: (value) => (value - from) / (to - from),
    value: (share) => from + share * (to - from),
    ticks: (count) => multiples([from, to], roundUp((to - from) / count)),
  };
}

/** Decades are equally long; the span is above 0. */
export function logarithmic([from, to]: Span): Scale {
  const powers = linear([Math.log10(from), Math.log10(to)]);
  return {
    share: (value) => powers.share(Math.log10(value)),
    value: (share) => 10 ** powers.value(share),
    ticks(count) {
      const decades = powers.value(1) - powers.value(0);
      const exponents = multiples([powers.value(0), powers.value(1)], Math.max(1, Math.ceil(decades / count)));
      if (decades > 1.5) return exponents.map((exponent) => 10 ** exponent);
      const first = Math.floor(powers.value(0));
      const fine = [first, first + 1, first + 2].flatMap((e) => [1, 2, 5].map((step) => step * 10 ** e));
      return fine.filter((value) => value >= from * 0.999 && value <= to * 1.001);
    },
  };
}
