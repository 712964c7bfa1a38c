/**
 * The block through which threads meet, in lines of 64 bytes so that no two are waited for together:
 *
 *     | threads | patience |                       patience: how often a wait may end without anybody's progress
 *     | door | sleepers |                          door: | number of the request, 24 bits | threads that came in, 8 bits |
 *     | arrived | turn | sleepers | broken | vain |  the barrier; vain: how often looking was in vain since it last was not
 *     | segments | count | progress | ready |      thread 0, and a line for each of the others
 */
const DOOR: usize = 64;
const BARRIER: usize = 128;
const FIRST: usize = 192;

/** The door's lower bits when it is closed: nobody comes in until the next request. */
const CLOSED: i32 = 255;
/** Looks at a word before a thread sleeps: some tenths of a millisecond, which waking costs where a core has gone to sleep too. */
const LOOKS: i32 = 80000;
const MILLISECOND: i64 = 1000000;
/** The looks of a thread that has looked in vain: the others wait for a core, perhaps for this one. */
const FEW_LOOKS: i32 = 500;
/** After so many vain looks there are few, but for each 16th. */
const PATIENT: i32 = 4;
/** A barrier that nobody else has come to for so long looks whether the others are alive. */
const NAP: i64 = 100 * MILLISECOND;
/** The leader goes on alone if the others have not come in after this many naps of a millisecond. */
const KNOCKS: i32 = 2;
const TIMED_OUT: i32 = 2;

/** How much all threads have done. */
function progress(pool: usize): i32 {
  let sum = 0;
  for (let t = i32.load(pool) - 1; t >= 0; t--) sum += atomic.load<i32>(pool + FIRST + (<usize>t << 6), 8);
  return sum;
}

/** Sleeps while the word holds `value`; false if the time is over. Who changes the word calls `wake` with the same counter. */
function sleep(word: usize, value: i32, sleepers: usize, time: i64): bool {
  atomic.add<i32>(sleepers, 1);
  const result = <i32>atomic.wait<i32>(word, value, time);
  atomic.sub<i32>(sleepers, 1);
  return result != TIMED_OUT;
}

function wake(word: usize, sleepers: usize): void {
  if (atomic.load<i32>(sleepers)) atomic.notify(word, -1);
}

/** Returns when all threads have come here. If one has evidently died it traps, in all that are left. */
export function barrier(pool: usize): void {
  const at = pool + BARRIER;
  const turn = atomic.load<i32>(at, 4);
  if (atomic.add<i32>(at, 1) + 1 == i32.load(pool)) {
    atomic.store<i32>(at, 0);
    atomic.store<i32>(at, turn + 1, 4);
    wake(at + 4, at + 8);
    return;
  }
  const vain = i32.load(at, 16);
  for (let i = vain < PATIENT || (vain & 15) == 0 ? LOOKS : FEW_LOOKS; i > 0; i--) {
    if (atomic.load<i32>(at, 4) == turn) continue;
    if (vain > 0) i32.store(at, 0, 16);
    return;
  }
  i32.store(at, vain + 1, 16);
  let done = progress(pool);
  let still = 0;
  while (atomic.load<i32>(at, 4) == turn) {
    if (atomic.load<i32>(at, 12)) unreachable();
    if (sleep(at + 4, turn, at + 8, NAP)) continue;
    const now = progress(pool);
    still = now == done ? still + 1 : 0;
    done = now;
    if (still <= i32.load(pool, 4)) continue;
    atomic.store<i32>(at, 1, 12);
    wake(at + 4, at + 8);
    unreachable();
  }
}

/** Asks the other threads in; false if they did not all come, and then none of them does anything. */
export function lead(pool: usize): bool {
  const door = pool + DOOR;
  const all = i32.load(pool) - 1;
  atomic.store<i32>(door, (atomic.load<i32>(door) | 255) + 1);
  wake(door, door + 4);
  for (let i = LOOKS; i > 0; i--) if ((atomic.load<i32>(door) & 255) == all) return true;
  let knocks = 0;
  while (true) {
    const here = atomic.load<i32>(door);
    if ((here & 255) == all) return true;
    if (sleep(door, here, door + 4, MILLISECOND) || ++knocks < KNOCKS) continue;
    if (atomic.cmpxchg<i32>(door, here, here | CLOSED) != here) continue;
    wake(door, door + 4);
    return false;
  }
}

/** Comes in for a request that is not the last one; false if it was taken back. */
function enter(pool: usize, number: i32): bool {
  const door = pool + DOOR;
  const all = i32.load(pool) - 1;
  while (true) {
    const here = atomic.load<i32>(door);
    if (here >>> 8 != number || (here & 255) == CLOSED) return false;
    if (atomic.cmpxchg<i32>(door, here, here + 1) == here) break;
  }
  let looks = LOOKS;
  while (true) {
    const here = atomic.load<i32>(door);
    if (here >>> 8 != number || (here & 255) == CLOSED) return false;
    if ((here & 255) == all) {
      wake(door, door + 4);
      return true;
    }
    if (--looks < 0) sleep(door, here, door + 4, -1);
  }
}

/** The number of the next request after number `last`. */
function nextRequest(pool: usize, last: i32): i32 {
  const door = pool + DOOR;
  let looks = LOOKS;
  while (true) {
    const here = atomic.load<i32>(door);
    if (here >>> 8 != last) return here >>> 8;
    if (--looks < 0) sleep(door, here, door + 4, -1);
  }
}

/** The line of a thread. */
export function lineOf(pool: usize, thread: i32): usize {
  return pool + FIRST + (<usize>thread << 6);
}

/** Waits for the next request, after number `last`, until this thread has come in for it. */
export function follow(pool: usize, last: i32): i32 {
  while (true) {
    last = nextRequest(pool, last);
    if (enter(pool, last)) return last;
  }
}
