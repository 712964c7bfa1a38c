// Takes away what Chrome 91, Firefox 89 or Safari 16.4 do not have: a program that runs without it asks for nothing newer.
const TypedArray = Object.getPrototypeOf(Uint8Array);

const NEWER = [
  [Array.prototype, ['at', 'findLast', 'findLastIndex', 'toReversed', 'toSorted', 'toSpliced', 'with']],
  [TypedArray.prototype, ['at', 'findLast', 'findLastIndex', 'toReversed', 'toSorted', 'with']],
  [String.prototype, ['at', 'isWellFormed', 'toWellFormed']],
  [Object, ['groupBy', 'hasOwn']],
  [Map, ['groupBy']],
  [Array, ['fromAsync']],
  [Promise, ['try', 'withResolvers']],
  [ArrayBuffer.prototype, ['resize', 'transfer', 'transferToFixedLength']],
  [Set.prototype, ['difference', 'intersection', 'isSubsetOf', 'union']],
  [AbortSignal, ['any', 'timeout']],
  [AbortSignal.prototype, ['reason', 'throwIfAborted']],
  [crypto.constructor.prototype, ['randomUUID']],
  [globalThis, ['structuredClone', 'Iterator']],
];

for (const [owner, names] of NEWER) for (const name of names) delete owner[name];
