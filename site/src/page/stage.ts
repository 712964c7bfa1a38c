import { DivergenceError } from 'downhill';
import { Form, type Settings } from './form';
import { type Pace, Player } from './player';

/** What a view shows, from its start to its end. */
export interface Run {
  /** What it is, in a sentence. */
  readonly summary: string;
  /** Goes on until it ends by itself or is stopped; resolves to how it ended, in words. */
  train(pace: Pace): Promise<string>;
  /** Shows how far it is. */
  draw(): void;
  /** What to say of a training whose numbers grew without end. */
  diverged?(error: DivergenceError): string;
  /** A setting was changed that does not begin another run. */
  adjust?(settings: Settings): void;
}

/** A part of the page that shows runs. */
export interface View {
  /** Settings that are looked at while a run goes on: they do not begin another. */
  readonly live?: readonly string[];
  /** Begins a run; it trains nothing yet. */
  begin(settings: Settings): Run;
  /** What else suits the settings after somebody set one of them. */
  suit?(name: string, settings: Settings): Settings | undefined;
}

/** Settings of each view that do not begin another run. */
const LIVE = ['speed'];

/** A view with its form and its buttons. */
export class Stage {
  readonly form: Form;
  #player = new Player(() => {});
  #run: Run | undefined;
  #ended = false;

  /** @param changed called when settings were changed. */
  constructor(
    private readonly section: HTMLElement,
    private readonly view: View,
    private readonly changed: () => void,
  ) {
    this.form = new Form(section.querySelector('form') as HTMLFormElement, (name) => this.#onChange(name));
    const on = (name: string, press: () => void) =>
      section.querySelector(`button[data-do="${name}"]`)?.addEventListener('click', press);
    on('play', () => this.#togglePlaying());
    on('update', () => this.#going().update());
    on('epoch', () => this.#going().epoch());
    on('reset', () => this.begin());
    on('defaults', () => {
      this.form.assign({});
      this.changed();
      this.begin();
    });
    on('seed', () => this.set({ seed: String(Number(this.form.settings.seed) + 1) }));
  }

  /** Sets fields of the form, as if somebody had. */
  set(settings: Settings): void {
    this.form.set(settings);
    this.changed();
    this.begin({ playing: this.#player.playing });
  }

  /** Begins anew. */
  begin({ playing = false } = {}): void {
    this.#player.stop();
    this.#ended = false;
    const run = this.view.begin(this.form.settings);
    const player = new Player(() => run.draw());
    player.speed = Number(this.form.settings.speed);
    [this.#run, this.#player] = [run, player];
    this.#say(run.summary);
    run.draw();
    if (playing) player.play();
    this.#showPlaying();
    void this.#train(run, player);
  }

  pause(): void {
    this.#player.pause();
    this.#showPlaying();
  }

  /** Draws again, as after another size. */
  draw(): void {
    this.#run?.draw();
  }

  async #train(run: Run, player: Player): Promise<void> {
    await player.ready();
    if (player.signal.aborted) return;
    const end = await run.train(player).catch((error: unknown) => {
      if (error instanceof DivergenceError && run.diverged) return run.diverged(error);
      throw error;
    });
    if (player.signal.aborted) return;
    this.#ended = true;
    player.pause();
    run.draw();
    this.#showPlaying();
    this.#say(end);
  }

  #onChange(name: string): void {
    const others = this.view.suit?.(name, this.form.settings);
    if (others) this.form.set(others);
    this.changed();
    if (LIVE.includes(name)) this.#player.speed = Number(this.form.settings.speed);
    else if (this.view.live?.includes(name)) this.#run?.adjust?.(this.form.settings);
    else this.begin({ playing: this.#player.playing });
  }

  /** The player of a run that is not over. */
  #going(): Player {
    if (this.#ended) this.begin();
    this.#player.pause();
    this.#showPlaying();
    return this.#player;
  }

  #togglePlaying(): void {
    if (this.#player.playing) this.#player.pause();
    else this.#going().play();
    this.#showPlaying();
  }

  #showPlaying(): void {
    const { playing } = this.#player;
    this.section.dataset.state = this.#ended ? 'ended' : playing ? 'playing' : 'paused';
    const button = this.section.querySelector('button[data-do="play"]') as HTMLElement;
    button.textContent = playing ? 'Pause' : this.#ended ? 'Play again' : 'Play';
  }

  #say(text: string): void {
    (this.section.querySelector('[role="status"]') as HTMLElement).textContent = text;
  }
}
