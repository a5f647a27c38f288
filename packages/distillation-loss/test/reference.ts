import type { Divergence } from "../src/index.ts";

/** Float64 reference of the losses in plain numbers, one row at a time, written from the definitions. */

export function softmax(logits: readonly number[], temperature = 1): number[] {
  const top = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp((logit - top) / temperature));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((each) => each / total);
}

export function logSoftmax(logits: readonly number[], temperature = 1): number[] {
  const top = Math.max(...logits);
  const scaled = logits.map((logit) => (logit - top) / temperature);
  const logSum = Math.log(scaled.reduce((sum, each) => sum + Math.exp(each), 0));
  return scaled.map((each) => each - logSum);
}

/** KL(p‖q) in nats with 0·ln 0 = 0. */
export function klOf(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, each, i) => (each === 0 ? sum : sum + each * (Math.log(each) - Math.log(q[i]!))), 0);
}

export function entropyOf(p: readonly number[]): number {
  return -p.reduce((sum, each) => (each === 0 ? sum : sum + each * Math.log(each)), 0);
}

export function divergenceOf(
  student: readonly number[],
  teacher: readonly number[],
  divergence: Divergence,
  temperature = 1,
): number {
  const S = softmax(student, temperature);
  const T = softmax(teacher, temperature);
  if (divergence.kind === "forward-kl") return klOf(T, S);
  if (divergence.kind === "reverse-kl") return klOf(S, T);
  const { beta } = divergence;
  const M = S.map((each, i) => (1 - beta) * each + beta * T[i]!);
  return beta * klOf(T, M) + (1 - beta) * klOf(S, M);
}

/** Central differences of a function of one row. */
export function numericGradient(f: (row: number[]) => number, row: readonly number[], step = 1e-5): number[] {
  return row.map((_, k) => {
    const moved = (by: number) => f(row.map((each, i) => (i === k ? each + by : each)));
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

/** `rows × columns` normal-ish numbers of a small generator of the tests' own. */
export function randomRows(seed: number, rows: number, columns: number, size = 2): number[][] {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const draw = () => size * (uniform() + uniform() + uniform() + uniform() - 2);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, draw));
}
