import { RULES, type RuleName } from '../optimizers';
import { brief, count } from '../page/words';
import type { LineDescent } from './descent';

/** What descent with batches of a size is called. */
function kindOf(batchSize: number, rows: number): string {
  if (batchSize === rows) return 'Batch descent';
  return batchSize === 1 ? 'Stochastic descent' : 'Mini-batch descent';
}

/** What a descent does in an epoch. */
export function summary({ points, batchSize, updatesPerEpoch }: LineDescent): string {
  const rows = points.length;
  const of = batchSize === rows ? `all ${rows} points` : `${batchSize} of ${rows} points`;
  return `${kindOf(batchSize, rows)}: ${of} an update, ${count(updatesPerEpoch, 'update')} an epoch.`;
}

/** What tells descents apart, for a legend. */
export function title({ points, batchSize, settings: { rate, rule } }: LineDescent): string {
  const other = rule === 'sgd' ? '' : `, ${RULES[rule as RuleName].name}`;
  return `${kindOf(batchSize, points.length)} (${batchSize})${other}, η ${rate}`;
}

/** The largest rate at which plain batch descent comes down: 2 over the steepest curvature. */
export const limit = ({ surface }: LineDescent) => 2 / surface.curvatures().steepest;

/** The last update of w or b, with its numbers where it is the plain rule. */
export function moved(name: 'w' | 'b', { line, before, updates, settings: { rule, rate } }: LineDescent): string {
  const [then, now] = [before[name], line[name]];
  if (updates === 0) return `${name} = ${brief(now)}`;
  if (rule !== 'sgd') return `${name}: ${brief(then)} → ${brief(now)}`;
  const slope = (then - now) / Number(rate);
  return `${name}: ${brief(then)} − ${rate} · ${slope < 0 ? `(${brief(slope)})` : brief(slope)} = ${brief(now)}`;
}

/** Why a rate is too large here, and what to try. */
function tooLarge(descent: LineDescent): string {
  const most = brief(limit(descent));
  const { rate, rule } = descent.settings;
  if (rule !== 'sgd') return `The learning rate ${rate} is too large for this rule: try a tenth of it.`;
  if (Number(rate) > limit(descent)) {
    return `Each step jumps across the valley and lands higher on its other side. On this surface plain descent needs a learning rate below ${most} (2 over the steepest curvature); it is ${rate}.`;
  }
  return `For all points together ${rate} would do, as it is below ${most}; but batches of ${descent.batchSize} differ, and some are steeper. Try a smaller rate or larger batches.`;
}

export const diverged = (descent: LineDescent) =>
  `Diverged: after ${count(descent.updates, 'update')} the numbers are too large for a computer. ${tooLarge(descent)}`;

/** How a descent ended. */
export function ending(descent: LineDescent): string {
  const { surface, costs, settings } = descent;
  const cost = descent.cost;
  if (cost > 2 * (costs.points[0]?.[1] ?? 0)) return `The cost grows. ${tooLarge(descent)}`;
  const above = cost - surface.minimum;
  const near = above <= 0.01 * surface.minimum || above < 1e-6;
  const where = near ? 'within 1% of the lowest cost there is' : `${brief(above)} above the lowest cost there is`;
  return `After ${count(Number(settings.epochs), 'epoch')} the cost is ${brief(cost)}, ${where}. ${near ? '' : advice(descent)}`;
}

function advice({ batchSize, points }: LineDescent): string {
  return batchSize < points.length
    ? 'Small batches keep it moving about the minimum: a smaller rate calms it; more epochs bring it nearer if it is on its way.'
    : 'A larger rate or more epochs bring it nearer.';
}
