import type { Divergence, TopK } from "../src/index.ts";

/** Float64 reference of the losses in plain numbers, one row at a time, written from the definitions. */

export function softmax(logits: readonly number[], temperature = 1): number[] {
  const top = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp((logit - top) / temperature));
  const total = sum(exponentials);
  return exponentials.map((each) => each / total);
}

export function logSoftmax(logits: readonly number[], temperature = 1): number[] {
  const top = Math.max(...logits);
  const scaled = logits.map((logit) => (logit - top) / temperature);
  const logSum = Math.log(scaled.reduce((total, each) => total + Math.exp(each), 0));
  return scaled.map((each) => each - logSum);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** KL(p‖q) in nats with 0·ln 0 = 0. */
export function klOf(p: readonly number[], q: readonly number[]): number {
  return sum(klTerms(p, q));
}

export function entropyOf(p: readonly number[]): number {
  return -p.reduce((total, each) => (each === 0 ? total : total + each * Math.log(each)), 0);
}

export function divergenceOf(
  student: readonly number[],
  teacher: readonly number[],
  divergence: Divergence,
  temperature = 1,
): number {
  return sum(divergenceTerms(softmax(student, temperature), softmax(teacher, temperature), divergence));
}

/** The ids' terms of a divergence of two distributions. */
export function divergenceTerms(S: readonly number[], T: readonly number[], divergence: Divergence): number[] {
  if (divergence.kind === "forward-kl") return klTerms(T, S);
  if (divergence.kind === "reverse-kl") return klTerms(S, T);
  const { kind, beta, normalize } = divergence;
  const M = S.map((each, i) => (1 - beta) * each + beta * T[i]!);
  const ofTeacher = kind === "jsd" ? beta : 1 - beta;
  const curvature = kind === "jsd" ? beta * (1 - beta) : beta ** 3 + (1 - beta) ** 3;
  const scale = normalize === "endpoint" ? 1 / curvature : 1;
  const [teacherTerms, studentTerms] = [klTerms(T, M), klTerms(S, M)];
  return S.map((_, i) => scale * (ofTeacher * teacherTerms[i]! + (1 - ofTeacher) * studentTerms[i]!));
}

/** Ids of the k largest numbers, the lower first among equals. */
export function topIds(numbers: readonly number[], k: number): number[] {
  const ids = numbers.map((_, id) => id);
  return ids.sort((a, b) => numbers[b]! - numbers[a]! || a - b).slice(0, k);
}

/** Which ids a top-k divergence tells apart. */
export function supportOf(student: readonly number[], teacher: readonly number[], { support, k }: TopK): Set<number> {
  const [ofStudent, ofTeacher] = [topIds(student, k), topIds(teacher, k)];
  return new Set(support === "student" ? ofStudent : support === "teacher" ? ofTeacher : [...ofStudent, ...ofTeacher]);
}

/** A distribution as a top-k divergence sees it on given ids: their probabilities, renormalised or with the tail's at the end. */
export function bucketsOf(probabilities: readonly number[], ids: ReadonlySet<number>, mass: TopK["mass"]): number[] {
  const inside = probabilities.filter((_, id) => ids.has(id));
  if (mass === "tail") return [...inside, sum(probabilities.filter((_, id) => !ids.has(id)))];
  return inside.map((each) => each / sum(inside));
}

/** A top-k divergence; the support is that of `at`, so that it stays where it is when `student` is moved. */
export function topKDivergenceOf(
  student: readonly number[],
  teacher: readonly number[],
  divergence: Divergence,
  topK: TopK,
  temperature = 1,
  at: readonly number[] = student,
): number {
  const ids = supportOf(at, teacher, topK);
  const [S, T] = [softmax(student, temperature), softmax(teacher, temperature)];
  return sum(divergenceTerms(bucketsOf(S, ids, topK.mass), bucketsOf(T, ids, topK.mass), divergence));
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

function klTerms(p: readonly number[], q: readonly number[]): number[] {
  return p.map((each, i) => (each === 0 ? 0 : each * (Math.log(each) - Math.log(q[i]!))));
}
