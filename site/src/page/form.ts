/** What a form's fields are set to, by their names. */
export type Settings = Readonly<Record<string, string>>;

type Field = HTMLInputElement | HTMLSelectElement;

/** The values that a slider goes through: `data-steps="1 2 4 8"`. */
const stepsOf = (field: Field) => field.dataset.steps?.split(' ');

function read(field: Field): string {
  if (field.type === 'checkbox') return (field as HTMLInputElement).checked ? 'yes' : 'no';
  const steps = stepsOf(field);
  return steps ? (steps[Number(field.value)] as string) : field.value;
}

/** Sets a field; what it cannot be set to leaves it as it is. */
function write(field: Field, value: string): void {
  const steps = stepsOf(field);
  if (field.type === 'checkbox') (field as HTMLInputElement).checked = value === 'yes';
  else if (steps) field.value = String(steps.includes(value) ? steps.indexOf(value) : field.value);
  else if (field instanceof HTMLInputElement) {
    const before = field.value;
    field.value = value;
    if (!field.checkValidity()) field.value = before;
  } else if ([...field.options].some((option) => option.value === value)) field.value = value;
}

/** A form whose fields are the state of a view. HTML says what they are at first. */
export class Form {
  readonly #fields: readonly Field[];
  readonly #first: Settings;

  /** @param changed called with the name of a field when somebody has set it. */
  constructor(
    private readonly form: HTMLFormElement,
    changed: (name: string) => void,
  ) {
    const named = [...form.elements].filter((element) => element.getAttribute('name'));
    this.#fields = named as Field[];
    // Browsers keep what was entered when a page is loaded again; here the address says what holds.
    form.reset();
    this.#first = this.settings;
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', ({ target }) => {
      const field = target as Field;
      if (!field.checkValidity()) return;
      this.#say(field);
      changed(field.name);
    });
  }

  get settings(): Settings {
    return Object.fromEntries(this.#fields.map((field) => [field.name, read(field)]));
  }

  /** Sets fields, and all others to what they were at first. */
  assign(settings: Settings): void {
    this.form.reset();
    this.set(settings);
  }

  /** Sets fields, and leaves the others as they are. */
  set(settings: Settings): void {
    for (const field of this.#fields) {
      const value = settings[field.name];
      if (value !== undefined) write(field, value);
      this.#say(field);
    }
  }

  /** What is not as it was at first. */
  get changes(): Settings {
    return Object.fromEntries(Object.entries(this.settings).filter(([name, value]) => value !== this.#first[name]));
  }

  /** Shows a slider's value beside it, and tells it to who does not see it. */
  #say(field: Field): void {
    if (field.type !== 'range') return;
    const value = read(field);
    field.setAttribute('aria-valuetext', value);
    const output = this.form.querySelector(`output[for="${field.id}"]`);
    if (output) output.textContent = value;
  }
}
