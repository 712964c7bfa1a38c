/** Argument i of a record. */
export function word(record: usize, i: i32): i32 {
  return i32.load(record + (<usize>i << 2), 8);
}

export function float(record: usize, i: i32): f32 {
  return f32.load(record + (<usize>i << 2), 8);
}

/** Arguments i to i + 2: an address, and a stride by which it advances each step, modulo a power of two of steps. */
export function stepped(record: usize, i: i32, step: i32): usize {
  return word(record, i) + (step & word(record, i + 2)) * word(record, i + 1);
}
