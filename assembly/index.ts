import { mapBinary, mapUnary, select } from './elementwise';
import { Kernel } from './kernel';
import { linearModel, linearSgd } from './linear';
import { elementwiseLoss, softmaxCrossEntropy } from './loss';
import { addToWord, copyStrided, copyWords, fillWords, findNonFinite, gatherRows, scatterRows } from './move';
import { product, productNarrow } from './product';
import { fillMask, fillNormal, fillUniform, permute } from './random';
import { float, stepped, word } from './record';
import { extremeColumns, indexExtreme, softmaxColumns, sumColumns, sumRows } from './reduce';
import { barrier, follow, lead, lineOf } from './threads';
import { updateAdadelta, updateAdam, updateAdamax, updateLion, updateRmsprop, updateSgd } from './update';

/** One record, in step number `step` of an epoch and number `tick` of the tables. */
function execute(r: usize, step: i32, tick: i32): void {
  switch (i32.load(r)) {
    case Kernel.copyWords: return copyWords(word(r, 0), stepped(r, 1, tick), word(r, 4));
    case Kernel.copyStrided: return copyStrided(word(r, 0), word(r, 1), r + 16);
    case Kernel.fillWords: return fillWords(word(r, 0), word(r, 1), word(r, 2));
    case Kernel.addToWord: return addToWord(word(r, 0), word(r, 1));
    case Kernel.gatherRows: return gatherRows(word(r, 0), stepped(r, 1, step), word(r, 4), word(r, 5), word(r, 6), word(r, 7));
    case Kernel.scatterRows: return scatterRows(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5));
    case Kernel.permute: return permute(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), tick, word(r, 5));
    case Kernel.fillUniform:
      return fillUniform(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), float(r, 6), float(r, 7));
    case Kernel.fillNormal:
      return fillNormal(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), float(r, 6), float(r, 7));
    case Kernel.fillMask:
      return fillMask(
        word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), word(r, 6), float(r, 7), float(r, 8),
        word(r, 9),
      );
    case Kernel.mapUnary: return mapUnary(word(r, 0), word(r, 1), word(r, 2), word(r, 3), float(r, 4));
    case Kernel.mapBinary:
      return mapBinary(
        word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), word(r, 6), word(r, 7), word(r, 8), word(r, 9), float(r, 10),
      );
    case Kernel.select: return select(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4));
    case Kernel.sumColumns: return sumColumns(word(r, 0), word(r, 1), word(r, 2), word(r, 3), float(r, 4));
    case Kernel.sumRows: return sumRows(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), float(r, 5), word(r, 6), word(r, 7), word(r, 8));
    case Kernel.extremeColumns: return extremeColumns(word(r, 0), word(r, 1), word(r, 2), word(r, 3), float(r, 4));
    case Kernel.indexExtreme: return indexExtreme(word(r, 0), word(r, 1), word(r, 2), word(r, 3), float(r, 4));
    case Kernel.softmaxColumns: return softmaxColumns(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4));
    case Kernel.product:
      return product(
        word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), word(r, 6), word(r, 7), word(r, 8), word(r, 9), word(r, 10),
        word(r, 11), word(r, 12), word(r, 13), word(r, 14),
      );
    case Kernel.productNarrow:
      return productNarrow(
        word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), word(r, 6), word(r, 7), word(r, 8),
      );
    case Kernel.elementwiseLoss:
      return elementwiseLoss(
        word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), word(r, 6), float(r, 7), float(r, 8), word(r, 9), word(r, 10),
      );
    case Kernel.softmaxCrossEntropy:
      return softmaxCrossEntropy(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), float(r, 6), word(r, 7));
    case Kernel.linearModel:
      return linearModel(
        word(r, 0), word(r, 1), stepped(r, 2, step), word(r, 5), word(r, 6), word(r, 7), word(r, 8), word(r, 9), word(r, 10), word(r, 11), word(r, 12),
        word(r, 13), float(r, 14), word(r, 15),
      );
    case Kernel.linearSgd: return linearSgd(r, step, step + 1, tick);
    case Kernel.updateSgd:
      return updateSgd(word(r, 0), word(r, 1), word(r, 2), word(r, 3), stepped(r, 4, tick), word(r, 7));
    case Kernel.updateAdam:
      return updateAdam(
        word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), stepped(r, 6, tick), word(r, 9), word(r, 10),
      );
    case Kernel.updateRmsprop:
      return updateRmsprop(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), word(r, 5), stepped(r, 6, tick));
    case Kernel.updateAdadelta:
      return updateAdadelta(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), stepped(r, 5, tick));
    case Kernel.updateAdamax:
      return updateAdamax(word(r, 0), word(r, 1), word(r, 2), word(r, 3), word(r, 4), stepped(r, 5, tick));
    case Kernel.updateLion: return updateLion(word(r, 0), word(r, 1), word(r, 2), word(r, 3), stepped(r, 4, tick));
    case Kernel.findNonFinite: return findNonFinite(word(r, 0), word(r, 1), word(r, 2), word(r, 3));
    case Kernel.barrier: return barrier(word(r, 0));
  }
}

/** The steps of a segment in one epoch of it. A record that is alone and knows how loops over them by itself. */
function runSteps(segment: usize, epoch: i32, pool: usize, line: usize): void {
  const records = <usize>i32.load(segment);
  const end = <usize>i32.load(segment, 4);
  const last = i32.load(segment, 12);
  let step = i32.load(segment, 8);
  let tick = i32.load(segment, 16) + epoch * i32.load(segment, 20);
  if (records < end && i32.load(records) == Kernel.linearSgd && !pool) return linearSgd(records, step, last, tick);
  for (; step < last; step++, tick++) {
    for (let r = records; r < end; r += <usize>i32.load(r, 4)) {
      execute(r, step, tick);
      if (pool) atomic.store<i32>(line, i32.load(line, 8) + 1, 8);
    }
    if (pool) barrier(pool);
  }
}

/**
 * Runs a list of segments, each a list of records for a range of an epoch's steps:
 *
 *     | records | end | first step | step after the last | tick | ticks of an epoch | epochs | |
 *
 * The tick is the first step's number in the tables of losses and hyperparameters. Segments that follow one another with
 * the same number of epochs are run in turn, so many times.
 *
 * Where several threads run lists of their own, they meet in `pool` after each step, and where a record says so.
 */
function runSegments(segments: usize, count: i32, pool: usize, line: usize): void {
  const last = segments + (<usize>count << 5);
  while (segments < last) {
    const epochs = i32.load(segments, 24);
    let next = segments;
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (next = segments; next < last && i32.load(next, 24) == epochs; next += 32) runSteps(next, epoch, pool, line);
    }
    segments = next;
  }
}

/** Runs `count` segments at `segments`, alone. */
export function run(segments: usize, count: i32): void {
  runSegments(segments, count, 0, 0);
}

function runLine(pool: usize, line: usize): void {
  runSegments(i32.load(line), i32.load(line, 4), pool, line);
}

/** Runs what each thread's line says, as thread 0; false if the others did not come, and nothing was run. */
export function runTogether(pool: usize): bool {
  if (!lead(pool)) return false;
  runLine(pool, lineOf(pool, 0));
  return true;
}

/** Runs what thread 0 asks for, for ever. */
export function serve(pool: usize, thread: i32): void {
  const line = lineOf(pool, thread);
  atomic.store<i32>(line, 1, 12);
  let last = 0;
  while (true) {
    last = follow(pool, last);
    runLine(pool, line);
  }
}
