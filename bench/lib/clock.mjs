let cpu = false;

/** From now on the processor's time of this process counts, not the clock's: neighbours then take less from it. */
export function useProcessorTime() {
  cpu = true;
}

export const countsProcessorTime = () => cpu;

/** Milliseconds, of the clock or of the processor. */
export function now() {
  if (!cpu) return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
