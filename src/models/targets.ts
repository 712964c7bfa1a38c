import { type Category, LabelEncoder } from '../data/encoder';
import type { PreprocessorState } from '../data/preprocessor';
import { StandardScaler } from '../data/scaler';
import { OptionError, ShapeError } from '../errors';
import { BCEWithLogitsLoss, CrossEntropyLoss } from '../nn/classification';
import type { Loss } from '../nn/loss';
import { MSELoss } from '../nn/regression';
import type { Data } from '../tensor/literal';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { needWeight } from '../train/weights';
import type { Taken } from './job';
import type { ClassWeight } from './options';
import { checkRows, floats, type Line, lineOf, numbersOf, scaled } from './table';

/** What a model learns to predict, and how that looks to its network. */
export interface Targets {
  /** Numbers that the network gives for a row. */
  readonly outputs: number;
  readonly loss: Loss;
  /** A bound on the second derivatives of a row's loss by its outputs. */
  readonly sharpness: number;
  /** As JSON holds it. */
  toJSON(): object;
}

/** Numbers, which the network sees on a line of their own: mean 0 and deviation 1. */
export class Numbers implements Targets {
  readonly loss = new MSELoss();

  /**
   * @param flat one number a row, which is no list.
   * @param center false keeps 0 where it is.
   */
  private constructor(
    private readonly scaler: StandardScaler,
    readonly flat: boolean,
    private readonly center: boolean,
  ) {}

  get outputs(): number {
    return this.scaler.mean?.length as number;
  }

  get sharpness(): number {
    return 2 / this.outputs;
  }

  get line(): Line {
    return lineOf(this.scaler, { center: this.center, scale: true });
  }

  /** Learns the line from y, after what `before` has seen, and puts y on it. */
  static learn(
    owner: string,
    y: Tensor | Data,
    { rows, weights, center, before }: Taken<Numbers> & { center: boolean },
  ): { targets: Numbers; t: Tensor } {
    const { matrix, flat } = numbersOf(owner, y, { rows, weights, columns: before?.outputs });
    const scaler = before ? StandardScaler.fromJSON(before.scaler.toJSON()) : new StandardScaler();
    const targets = new Numbers(scaler.partialFit(matrix), before?.flat ?? flat, center);
    return { targets, t: floats(`${owner}: y`, scaled(matrix, targets.line), targets.outputs) };
  }

  /** y on the line. */
  encode(owner: string, y: Tensor | Data, rows: number): Tensor {
    const { matrix } = numbersOf(owner, y, { rows, columns: this.outputs });
    return floats(`${owner}: y`, scaled(matrix, this.line), this.outputs);
  }

  /** Outputs in the units of y. */
  decode(outputs: ArrayLike<number>): number[] {
    const { shift, scale } = this.line;
    const n = this.outputs;
    return Array.from(outputs, (o, i) => o * (scale[i % n] as number) + (shift[i % n] as number));
  }

  toJSON(): { flat: boolean; scaler: PreprocessorState } {
    return { flat: this.flat, scaler: this.scaler.toJSON() };
  }

  static fromJSON(json: { flat: boolean; scaler: PreprocessorState }, center: boolean): Numbers {
    return new Numbers(StandardScaler.fromJSON(json.scaler), json.flat === true, center);
  }
}

/** What `fit` takes for classes: a label a row. */
export type LabelList = Tensor | ArrayLike<Category> | ArrayLike<ArrayLike<Category>>;

/** A list of labels; a column of them is one too. */
function labelsOf(owner: string, y: LabelList, rows: number): ArrayLike<Category> {
  const shape = y instanceof Tensor ? y.shape : [y?.length];
  const list = (y instanceof Tensor ? y.toTypedArray() : y) as ArrayLike<Category | ArrayLike<Category>>;
  const column = (label: unknown): label is ArrayLike<Category> =>
    typeof label === 'object' && (label as ArrayLike<Category> | null)?.length === 1;
  if (typeof list !== 'object' || shape.length > 2 || (shape[1] ?? 1) !== 1)
    throw new ShapeError(
      `${owner}: y is ${y instanceof Tensor ? `a tensor of shape ${show(y.shape)}` : typeof y}; it must be a list with a label for each row.`,
    );
  checkRows(owner, shape[0], rows);
  return Array.from(list, (label) => (column(label) ? (label[0] as Category) : (label as Category)));
}

/** Classes, which the network sees as their places in rising order. */
export class Labels implements Targets {
  readonly loss: Loss;
  readonly sharpness: number;
  readonly outputs: number;
  readonly classes: readonly Category[];

  private constructor(
    owner: string,
    private readonly encoder: LabelEncoder,
  ) {
    this.classes = encoder.classes ?? [];
    if (this.classes.length < 2)
      throw new OptionError(
        `${owner}: y has one class only, ${JSON.stringify(this.classes[0])}; there must be at least two to tell apart.`,
      );
    const binary = this.classes.length === 2;
    this.outputs = binary ? 1 : this.classes.length;
    this.loss = binary ? new BCEWithLogitsLoss() : new CrossEntropyLoss();
    // p (1 - p) for one output; for a softmax, Böhning 1992.
    this.sharpness = binary ? 1 / 4 : 1 / 2;
  }

  /** Learns the classes, unless `before` or `classes` has them, and turns y into places. */
  static learn(owner: string, y: LabelList, { rows, before, classes }: Taken<Labels>): { targets: Labels; t: Tensor } {
    const list = labelsOf(owner, y, rows);
    const targets = before ?? new Labels(owner, new LabelEncoder().fit(classes ?? list));
    const places = targets.encoder.transform(list);
    return { targets, t: targets.outputs === 1 ? places.to('float32').reshape([rows, 1]) : places };
  }

  /** The rows of each class, or the sum of what they count. */
  counts(t: Tensor, weights: Float64Array | undefined): Float64Array {
    const counts = new Float64Array(this.classes.length);
    t.toTypedArray().forEach((c, i) => {
      counts[c] = (counts[c] as number) + (weights?.[i] ?? 1);
    });
    return counts;
  }

  /** What rows count, by their classes too. */
  weigh(
    owner: string,
    t: Tensor,
    { weights, classWeight }: { weights: Float64Array | undefined; classWeight: ClassWeight },
  ): Float64Array {
    const counts = classWeight === 'balanced' ? this.counts(t, weights) : undefined;
    const known = this.classes.map(String);
    const stranger = counts ? undefined : Object.keys(classWeight).find((label) => !known.includes(label));
    if (stranger !== undefined)
      throw new OptionError(
        `The classWeight of ${owner} has ${JSON.stringify(stranger)}, which is no label of y; these are ${known.slice(0, 8).join(', ')}.`,
      );
    const total = counts?.reduce((sum, n) => sum + n, 0) ?? 0;
    const factors = known.map((label, c) =>
      counts ? total / (known.length * (counts[c] as number)) : ((classWeight as Record<string, number>)[label] ?? 1),
    );
    const all = Float64Array.from(t.toTypedArray(), (c, i) => (weights?.[i] ?? 1) * (factors[c] as number) || 0);
    needWeight(`The classWeight of ${owner} gives`, all);
    return all;
  }

  /** The share of rows whose label is the predicted one. */
  static agreement(owner: string, predicted: readonly Category[], y: LabelList): number {
    const given = labelsOf(owner, y, predicted.length);
    return predicted.filter((label, i) => label === given[i]).length / predicted.length;
  }

  /** The probability of each class for each row. */
  probabilities(outputs: Tensor): number[][] {
    if (this.outputs > 1) return outputs.softmax().toArray() as number[][];
    return Array.from(outputs.sigmoid().toTypedArray(), (p) => [1 - p, p]);
  }

  /** The likeliest class of each row. */
  decode(outputs: Tensor): Category[] {
    const places = this.outputs > 1 ? outputs.argMax({ axis: 1 }) : outputs.gt(0).reshape([-1]).to('int32');
    return this.encoder.inverseTransform(places);
  }

  toJSON(): PreprocessorState {
    return this.encoder.toJSON();
  }

  static fromJSON(owner: string, json: PreprocessorState): Labels {
    return new Labels(owner, LabelEncoder.fromJSON(json));
  }
}
