import { checkOptions, isOneOf, OptionError, quoted, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { matrixOf, Preprocessor } from './preprocessor';

/** What can be told apart: a label, or the value of a column. */
export type Category = string | number | boolean;

/** A few of many, in words. */
function some(values: readonly Category[]): string {
  const shown = values.slice(0, 8).map(quoted).join(', ');
  return values.length > 8 ? `${shown}, … (${values.length})` : shown;
}

function isCategory(value: unknown): value is Category {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

type Where = (row: number) => string;

/** The different values in rising order: numbers by size, strings by their code units, false before true. */
function sorted(values: ArrayLike<unknown>, where: Where): Category[] {
  const found = new Set<Category>();
  const first = values[0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!isCategory(value))
      throw new OptionError(`${where(i)} has ${String(value)}; it must be a string, a number or a boolean.`);
    if (typeof value !== typeof first)
      throw new OptionError(
        `${where(i)} has ${quoted(value)} and row 0 has ${quoted(first)}; all must be of one type.`,
      );
    found.add(value);
  }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

/** The place of each of some categories. */
type Places = ReadonlyMap<Category, number>;

const placesOf = (categories: readonly Category[]): Places => new Map(categories.map((c, i) => [c, i]));

/** Are these what `sorted` gives? */
function areSorted(list: unknown): list is Category[] {
  return (
    Array.isArray(list) &&
    list.length > 0 &&
    list.every((c, i) => isCategory(c) && typeof c === typeof list[0] && (i === 0 || list[i - 1] < c))
  );
}

/**
 * Classes as whole numbers: a label becomes its place among the sorted labels, which is what `CrossEntropyLoss` takes.
 *
 * As https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.LabelEncoder.html.
 *
 * @example
 * const encoder = new LabelEncoder();
 * expect(encoder.fitTransform(['cat', 'dog', 'cat', 'ant']).toArray()).toEqual([1, 2, 1, 0]);
 * expect(encoder.inverseTransform([0, 2])).toEqual(['ant', 'dog']);
 */
export class LabelEncoder extends Preprocessor {
  protected readonly owner = 'LabelEncoder';
  /** The labels in rising order; undefined before `fit`. */
  classes: Category[] | undefined;

  /** A list of labels; `transform` and `inverseTransform` take one of no elements too. */
  private list(labels: Tensor | ArrayLike<unknown>): ArrayLike<unknown> {
    const shape = labels instanceof Tensor ? labels.shape : [labels?.length];
    if (typeof labels === 'string' || shape.length !== 1 || !Number.isInteger(shape[0]))
      throw new ShapeError(
        `LabelEncoder got ${labels instanceof Tensor ? `a tensor of shape ${show(shape as number[])}` : quoted(labels)}; it takes a list of labels.`,
      );
    return labels instanceof Tensor ? labels.toTypedArray() : labels;
  }

  private where: Where = (row) => `LabelEncoder: row ${row}`;

  /**
   * Learns the labels.
   *
   * @throws ShapeError for what is no list, or an empty one; OptionError for what is no label, named by its row.
   */
  fit(labels: Tensor | ArrayLike<Category>): this {
    const list = this.list(labels);
    if (list.length === 0) throw new ShapeError('LabelEncoder got no rows; there must be at least one.');
    this.classes = sorted(list, this.where);
    return this;
  }

  /**
   * The places of labels among `classes`, as an int32 tensor.
   *
   * @throws StateError before `fit`; OptionError for a label that was not there then.
   */
  transform(labels: Tensor | ArrayLike<Category>): Tensor {
    const classes = this.learned(this.classes);
    const places = placesOf(classes);
    const list = this.list(labels);
    const out = new Int32Array(list.length);
    for (let i = 0; i < list.length; i++) {
      const place = places.get(list[i] as Category);
      if (place === undefined)
        throw new OptionError(
          `${this.where(i)} has ${quoted(list[i])}, which was not among the labels at fit: ${some(classes)}.`,
        );
      out[i] = place;
    }
    return tensor(out);
  }

  /** `fit`, then `transform`. */
  fitTransform(labels: Tensor | ArrayLike<Category>): Tensor {
    return this.fit(labels).transform(labels);
  }

  /**
   * The labels at places.
   *
   * @throws OptionError for a place that is none.
   */
  inverseTransform(places: Tensor | ArrayLike<number>): Category[] {
    const classes = this.learned(this.classes);
    return Array.from(this.list(places), (place, i) => {
      const label = typeof place === 'number' ? classes[place] : undefined;
      if (label !== undefined) return label;
      throw new OptionError(
        `${this.where(i)} has ${quoted(place)}; it must be a whole number from 0 to ${classes.length - 1}.`,
      );
    });
  }

  protected state(): Record<string, unknown> | undefined {
    return this.classes && { classes: [...this.classes] };
  }

  protected restore({ classes }: Record<string, unknown>): void {
    this.need(areSorted(classes), 'sorted classes');
    this.classes = [...classes];
  }
}

type Unknown = 'error' | 'ignore';

/** Rows of categories. */
export type Categories = readonly (readonly Category[])[];

/**
 * Columns of categories as columns of 0 and 1, one for each category that a column has.
 *
 * As https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.OneHotEncoder.html.
 *
 * @param options `handleUnknown`: a category that was not there at `fit` is an 'error' (default), or its columns are 0: 'ignore'.
 * @throws OptionError for another value of it.
 * @example
 * const encoder = new OneHotEncoder();
 * const x = encoder.fitTransform([['red', 4], ['blue', 6], ['red', 8]]);
 * expect(x.toArray()).toEqual([[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 1, 0, 0, 1]]);
 * expect(encoder.inverseTransform(x)[1]).toEqual(['blue', 6]);
 */
export class OneHotEncoder extends Preprocessor {
  protected readonly owner = 'OneHotEncoder';
  /** The categories of each column in rising order; undefined before `fit`. */
  categories: Category[][] | undefined;
  private handleUnknown: Unknown;

  constructor(options: { handleUnknown?: Unknown } = {}) {
    super();
    checkOptions('OneHotEncoder', options, { handleUnknown: isOneOf('error', 'ignore') });
    this.handleUnknown = options.handleUnknown ?? 'error';
  }

  /** Rows of equal lengths. */
  private table(data: Tensor | Categories | Data): Categories {
    const rows = data instanceof Tensor ? data.toArray() : data;
    const list = Array.isArray(rows) ? (rows as unknown[]) : [];
    const width = (list[0] as ArrayLike<unknown> | undefined)?.length;
    const bad = list.findIndex((row) => typeof row !== 'object' || (row as unknown[])?.length !== width);
    if (!width || bad >= 0) {
      const given = bad >= 0 && width ? `row ${bad} is ${JSON.stringify(list[bad])}` : 'there are none';
      throw new ShapeError(
        `OneHotEncoder needs rows of the same number of columns, and ${given}. One column of categories is [["a"], ["b"]].`,
      );
    }
    return list as Category[][];
  }

  private where(column: number): Where {
    return (row) => `OneHotEncoder: row ${row}, column ${column}`;
  }

  /**
   * Learns the categories of each column.
   *
   * @throws ShapeError for what are no rows of one length; OptionError for what is no category, named by row and column.
   */
  fit(data: Tensor | Categories | Data): this {
    const table = this.table(data);
    this.categories = Array.from(table[0] as readonly Category[], (_, j) =>
      sorted(
        table.map((row) => row[j]),
        this.where(j),
      ),
    );
    return this;
  }

  /**
   * The rows as a float32 tensor of 0 and 1, [rows, categories of all columns].
   *
   * @throws StateError before `fit`; ShapeError for other columns; OptionError for an unknown category.
   */
  transform(data: Tensor | Categories | Data): Tensor {
    const categories = this.learned(this.categories);
    const table = this.table(data);
    this.checkWidth(table[0]?.length, categories.length);
    const width = categories.reduce((n, list) => n + list.length, 0);
    const out = new Float32Array(table.length * width);
    let first = 0;
    categories.forEach((list, j) => {
      const places = placesOf(list);
      table.forEach((row, i) => {
        const place = places.get(row[j] as Category);
        if (place !== undefined) out[i * width + first + place] = 1;
        else if (this.handleUnknown === 'error')
          throw new OptionError(
            `${this.where(j)(i)} has ${quoted(row[j])}, which was not there at fit: ${some(list)}. { handleUnknown: 'ignore' } makes it zeros.`,
          );
      });
      first += list.length;
    });
    return tensor(out, { shape: [table.length, width] });
  }

  private checkWidth(given: number | undefined, needed: number): void {
    if (given !== needed)
      throw new ShapeError(`OneHotEncoder got ${given} columns; it was fitted so that there must be ${needed}.`);
  }

  /** `fit`, then `transform`. */
  fitTransform(data: Tensor | Categories | Data): Tensor {
    return this.fit(data).transform(data);
  }

  /**
   * The categories of rows: for each column the one whose number is largest; null where all are 0.
   *
   * @throws StateError before `fit`; ShapeError for other columns; OptionError for NaN and infinities.
   */
  inverseTransform(data: Tensor | Data): (Category | null)[][] {
    const categories = this.learned(this.categories);
    const { values, rows, columns } = matrixOf(this.owner, data);
    this.checkWidth(
      columns,
      categories.reduce((n, list) => n + list.length, 0),
    );
    return Array.from({ length: rows }, (_, i) => {
      let first = i * columns;
      return categories.map((list) => {
        const part = Array.prototype.slice.call(values, first, first + list.length);
        first += list.length;
        const place = part.indexOf(Math.max(...part));
        return part.every((v) => v === 0) ? null : (list[place] as Category);
      });
    });
  }

  protected state(): Record<string, unknown> | undefined {
    const { categories, handleUnknown } = this;
    return categories && { categories: categories.map((list) => [...list]), handleUnknown };
  }

  protected restore({ categories, handleUnknown }: Record<string, unknown>): void {
    this.need(Array.isArray(categories) && categories.length > 0 && categories.every(areSorted), 'sorted categories');
    this.need(handleUnknown === 'error' || handleUnknown === 'ignore', 'handleUnknown');
    this.categories = categories.map((list) => [...list]);
    this.handleUnknown = handleUnknown;
  }
}
