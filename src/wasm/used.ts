/** A build of the library that refuses others throws an error. */
export type Refuse = (() => never) | false;

let first: Refuse | undefined;

/** Lets a program use one build, the first that calls this; one of two at least refuses the other. All share this file. */
export function use(refuse: Refuse): void {
  first ??= refuse;
  if (first !== refuse) (first || (refuse as () => never))();
}
