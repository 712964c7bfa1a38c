import { refuse } from './source/inlined';
import { use } from './used';

/** Throws a StateError where another build of the library was used before: the two know nothing of each other. */
export const needOneBuild = () => use(refuse);
