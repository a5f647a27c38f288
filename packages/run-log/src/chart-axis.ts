/** An axis of a chart. */
export interface Axis {
  /** At round numbers, ascending. */
  readonly ticks: readonly number[];
  /** Where a value lies, 0 at the low end to 1 at the high end. */
  position(value: number): number;
}

/**
 * An axis that holds all values, with ticks at round numbers: about `tickCount` of them, or powers of ten.
 * @param values finite, at least one; above 0 for `log`
 */
export function fitAxis(values: readonly number[], scale: "linear" | "log", tickCount = 5): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return scale === "log" ? logAxis(low, high, tickCount) : linearAxis(low, high, tickCount);
}

function linearAxis(lowest: number, highest: number, tickCount: number): Axis {
  const [low, high] = widen(lowest, highest);
  const rough = high / tickCount - low / tickCount; // divided first: the difference of large numbers may overflow
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ([1, 2, 5].find((factor) => factor * magnitude >= rough) ?? 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return { ticks, position: (value) => (value / tickCount - low / tickCount) / rough };
}

/** Values that are equal, or too close for ticks between them, get room on both sides. */
function widen(low: number, high: number): [low: number, high: number] {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high / 2 - low / 2 > Math.max(1e-12 * size, 1e-300)) return [low, high];
  const room = Math.max(size / 2, 1e-6);
  return [Math.max(low - room, -Number.MAX_VALUE), Math.min(high + room, Number.MAX_VALUE)];
}

/** Ticks at powers of ten; within two decades also at 2 and 5 times them. */
function logAxis(lowest: number, highest: number, tickCount: number): Axis {
  const close = highest < lowest * (1 + 1e-9);
  const [low, high] = close ? [lowest / 2, Math.min(highest * 2, Number.MAX_VALUE)] : [lowest, highest];
  const decades = Math.log10(high) - Math.log10(low);
  const factors = decades < 2 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(decades / tickCount));
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); 10 ** exponent <= high; exponent++) {
    if (exponent % stride !== 0) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${exponent}`);
      if (low <= tick && tick <= high) ticks.push(tick);
    }
  }
  return { ticks, position: (value) => (Math.log10(value) - Math.log10(low)) / decades };
}
