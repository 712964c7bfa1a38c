import { CostChart } from '../draw/chart';
import type { Point } from '../draw/plot';
import type { Settings } from '../page/form';
import type { Run, View } from '../page/stage';
import { brief, count, fingerprint, tell } from '../page/words';
import { Diagram } from './diagram';
import { DecisionSurface } from './surface';
import { type LayerNumbers, MOST_EPOCHS, NetworkTraining } from './training';

const WEIGHTS = 'Lines: the weights, orange above 0 and blue below, the thicker the larger.';
const SLOPES =
  'Lines: ∂C/∂w, as thick as steep, measured by the steepest at the start. Orange: the cost rises with the weight; blue: it falls.';

/** A network that learns to tell two classes of points apart. */
export class NetworkView implements View {
  readonly live = ['lines'];
  readonly #surface: DecisionSurface;
  readonly #diagram: Diagram;
  readonly #chart: CostChart;
  /** The costs of the training before. */
  #earlier: readonly Point[] = [];
  #lines = '';
  #training: NetworkTraining | undefined;
  /** The largest derivative at the start: what the lines' widths are measured by. */
  #steepest = 1;

  constructor(private readonly section: HTMLElement) {
    const figure = (name: string) => section.querySelector(`figure.${name}`) as HTMLElement;
    this.#surface = new DecisionSurface(figure('surface'));
    this.#diagram = new Diagram(figure('network'));
    this.#chart = new CostChart(figure('costs'), ['epoch', 'cost C of all points']);
  }

  begin(settings: Settings): Run {
    if (this.#training && this.#training.updates > 0) this.#earlier = this.#training.costs.points;
    if (this.#training?.settings.cost !== settings.cost) this.#earlier = [];
    const training = new NetworkTraining(settings);
    this.#training = training;
    this.#lines = settings.lines as string;
    this.#surface.show(training);
    this.#chart.goal = training.acceptable;
    this.#steepest = largest(training.gradient().layers);
    return {
      summary: summary(training),
      train: async (pace) => ((await training.train(pace)) ? reached(training) : missed(training)),
      draw: () => this.#draw(training),
      diverged: () => diverged(training),
      adjust: ({ lines }) => {
        this.#lines = lines as string;
        this.#draw(training);
      },
    };
  }

  #draw(training: NetworkTraining): void {
    const { layers } = training;
    const gradient = training.gradient();
    const slopes = this.#lines === 'slopes';
    this.#surface.draw(training.surface());
    this.#diagram.draw({
      layers,
      gradient: gradient.layers,
      slopes,
      scale: slopes ? this.#steepest : Math.max(1.5, largest(layers)),
      neurons: training.neurons(),
    });
    this.#chart.draw([
      { look: 'earlier-1', points: this.#earlier },
      { look: 'current', points: training.costs.points },
    ]);
    tell(this.section, {
      lines: slopes ? SLOPES : WEIGHTS,
      epoch: String(training.epochs),
      update: String(training.updates),
      cost: brief(gradient.cost),
      gradient: brief(gradient.length),
      accuracy: percent(training.accuracy()),
      bits: fingerprint(layers.flatMap(({ weights, biases }) => [weights, biases])),
    });
  }
}

const largest = (layers: readonly LayerNumbers[]) =>
  Math.max(...layers.flatMap(({ weights, biases }) => [...weights, ...biases]).map(Math.abs));

const percent = (share: number) => `${(100 * share).toFixed(share === 1 ? 0 : 1)}%`;

function summary({ parameters, batchSize, updatesPerEpoch, acceptable }: NetworkTraining): string {
  const size = parameters.reduce((sum, p) => sum + p.size, 0);
  return `${count(size, 'weight')} and biases; ${count(batchSize, 'point')} an update, ${count(updatesPerEpoch, 'update')} an epoch, until C is at most ${brief(acceptable)}.`;
}

const reached = (training: NetworkTraining) =>
  `Reached: after ${count(training.epochs, 'epoch')} the cost is ${brief(training.gradient().cost)}, at most ${brief(training.acceptable)}. ${percent(training.accuracy())} of the points are on their side.`;

const missed = (training: NetworkTraining) =>
  `Not reached: after ${count(MOST_EPOCHS, 'epoch')} the cost is ${brief(training.gradient().cost)}, and ${brief(training.acceptable)} was wanted. Try more neurons, another rate or another seed.`;

function diverged({ settings, updates, batchSize }: NetworkTraining): string {
  const why =
    settings.cost === 'sum'
      ? `A sum over ${batchSize} points has a gradient ${batchSize} times as long as their mean: it wants a rate ${batchSize} times as small.`
      : 'Each step went too far, and the next had to go farther back.';
  return `Diverged: after ${count(updates, 'update')} the numbers are too large for a computer. ${why} Try a rate below ${settings.rate}.`;
}
