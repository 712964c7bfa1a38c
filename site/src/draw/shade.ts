/** A colour of the style sheet and how much of it: 0 to 1. */
export type Shade = readonly [name: string, strength: number];

/** The numbers of a colour that the style sheet names: `#rrggbb`. */
function channels(name: string): number[] {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Paints a square grid of values, the first row at the bottom, so that what is behind shines through. */
export function shade(canvas: HTMLCanvasElement, values: ArrayLike<number>, shadeOf: (value: number) => Shade): void {
  const side = Math.sqrt(values.length);
  canvas.width = canvas.height = side;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = context.createImageData(side, side);
  const known = new Map<string, number[]>();
  for (let i = 0; i < values.length; i++) {
    const [name, strength] = shadeOf(values[i] as number);
    const colour = known.get(name) ?? channels(name);
    known.set(name, colour);
    const [row, column] = [side - 1 - Math.floor(i / side), i % side];
    image.data.set([...colour, Math.round(255 * strength)], 4 * (row * side + column));
  }
  context.putImageData(image, 0, 0);
}
