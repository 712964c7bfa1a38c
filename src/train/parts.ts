import { StateError } from '../errors';
import { Module } from '../nn/module';

/** Something whose state can be kept and put back: a model, an optimizer, a scheduler, a loader, a scaler. */
export interface Part {
  /** What a checkpoint keeps. */
  stateDict(): unknown;
  /** Puts a state of `stateDict()` in place, and throws before it changes anything where it does not fit. */
  loadStateDict(state: never): unknown;
}

/** What is kept of a training, by name. */
export type Parts = Readonly<Record<string, Part>>;

/** The states of parts, by their names: plain values, and tensors. */
export type States = Readonly<Record<string, unknown>>;

/** What a model's modules remember beside its stateDict. */
function extraOf(model: Module): Part {
  return {
    stateDict: () => model.modules().map((m) => m.getExtraState()),
    loadStateDict(states: Record<string, unknown>[]) {
      const modules = model.modules();
      if (states?.length !== modules.length) {
        throw new StateError(
          `The state is of a model of ${states?.length ?? 0} modules; this one has ${modules.length}. Build the same.`,
        );
      }
      modules.forEach((m, i) => {
        m.setExtraState(states[i] as Record<string, unknown>);
      });
    },
  };
}

/** Parts by name; a model is two of them. */
function entriesOf(parts: Parts): [string, Part][] {
  return Object.entries(parts).flatMap(([name, part]): [string, Part][] =>
    part instanceof Module
      ? [
          [name, part],
          [`${name}Extra`, extraOf(part)],
        ]
      : [[name, part]],
  );
}

/** Copies of the states of all parts. */
export function statesOf(parts: Parts): States {
  return Object.fromEntries(entriesOf(parts).map(([name, part]) => [name, part.stateDict()]));
}

/** The state that a part has, if it has one: a scaler that was not fitted has none. */
function stateNow(part: Part): unknown {
  try {
    return part.stateDict();
  } catch {
    return undefined;
  }
}

/**
 * Puts states in place, part after part; nothing is changed unless all fit.
 *
 * @returns what puts back the states from before.
 */
export function restore(parts: Parts, states: States): () => void {
  const entries = entriesOf(parts).map(([name, part]) => ({ name, part, before: stateNow(part) }));
  const lacking = entries.map(({ name }) => name).filter((name) => !Object.keys(states).includes(name));
  if (lacking.length > 0) {
    const names = Object.keys(states).join(', ');
    throw new StateError(
      `The checkpoint has no ${lacking.join(', ')}; it has ${names}. Give the parts that it was made of.`,
    );
  }
  const [full, empty] = [entries.filter(({ before }) => before), entries.filter(({ before }) => !before)];
  const undo = () => {
    for (const { part, before } of full) part.loadStateDict(before as never);
  };
  try {
    // What can't be put back comes last.
    for (const { name, part } of [...full, ...empty]) part.loadStateDict(states[name] as never);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}
