import type { Policy } from "@imagine-opd/protocol/policy";
import { randomStream } from "@imagine-opd/random-streams";
import * as tf from "@tensorflow/tfjs-core";
import { violate } from "./policy-report.ts";
import { compareNumbers, type PolicyTrial, readTensor } from "./policy-trial.ts";

/** Weights are moved by this share of their root mean square. */
const relativeStep = 1e-2;
/** A float32 sum of products is good to about this share of the Euclidean norm of its terms. */
const roundingShare = 1e-6;

/** Numbers of about unit size that stand for the gradient of some loss in the logits, `[rows, V]`. */
function probeLogits({ policy, seed }: PolicyTrial, rows: number): Float32Array {
  const stream = randomStream(seed, "probe");
  return Float32Array.from({ length: rows * policy.vocabSize }, () => stream.normal());
}

const countRows = ({ sequences }: PolicyTrial) => sequences.reduce((sum, { completion }) => sum + completion.length, 0);

/** Logits and gradients of a slice of the vocabulary against those of all of it. */
export async function compareSlices(trial: PolicyTrial): Promise<number> {
  const { policy, sequences } = trial;
  const { head, vocabSize } = policy;
  const from = Math.floor(vocabSize / 3);
  const to = Math.max(from + 1, vocabSize - 1);
  const states = policy.completionStates(sequences);
  const rows = states.shape[0];
  const probe = probeLogits(trial, rows).map((value, i) => (i % vocabSize >= from && i % vocabSize < to ? value : 0));
  try {
    const [slice, cut] = tf.tidy(() => [
      head.logits(states, { from, to }),
      tf.slice(head.logits(states), [0, from], [rows, to - from]),
    ]);
    const differences = [compareNumbers(await readTensor(slice!), await readTensor(cut!))];
    const full = await readBackward(policy, states, probe, {});
    const part = await readBackward(policy, states, probe, { from, to });
    for (const [name, values] of Object.entries(full)) differences.push(compareNumbers(part[name]!, values));
    return Math.max(...differences);
  } finally {
    states.dispose();
  }
}

/** Gradients of `Σ logits · probe` by `head.backward`; the one in the states under the name "states". */
async function readBackward(
  { head, trainable }: Policy,
  states: tf.Tensor2D,
  probe: Float32Array,
  options: { readonly from?: number; readonly to?: number },
): Promise<Record<string, Float32Array>> {
  const { from = 0, to = head.vocabSize } = options;
  const rows = states.shape[0];
  const gradients = tf.tidy(() => {
    const dLogits = tf.slice(tf.tensor2d(probe, [rows, head.vocabSize]), [0, from], [rows, to - from]);
    const { states: ofStates, trainable: ofWeights } = head.backward(states, dLogits, options);
    return { states: ofStates, ...ofWeights } as tf.NamedTensorMap;
  });
  try {
    for (const name of head.trainable) {
      const shape = gradients[name]?.shape.join();
      if (shape !== trainable[name]!.shape.join()) {
        const problem = `head.backward must give "${name}" a gradient of shape [${trainable[name]!.shape}], got ${shape === undefined ? "none" : `[${shape}]`}.`;
        violate("head gradient", problem);
      }
    }
    const read: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(gradients)) read[name] = (await tensor.data<"float32">()).slice();
    return read;
  } finally {
    tf.dispose(gradients);
  }
}

/** `head.backward` in states and head weights, the states held fixed, against finite differences. */
export async function compareHeadGradient(trial: PolicyTrial): Promise<number> {
  const { policy, sequences } = trial;
  const probe = probeLogits(trial, countRows(trial));
  const states = policy.completionStates(sequences);
  const variable = tf.variable(states);
  try {
    const gradients = await readBackward(policy, states, probe, {});
    const terms = () => readTensor(policy.head.logits(variable as unknown as tf.Tensor2D));
    const weights = Object.fromEntries(policy.head.trainable.map((name) => [name, policy.trainable[name]!]));
    const compared = await compareDifferences(trial, { states: variable, ...weights }, gradients, probe, terms);
    return Math.max(...Object.values(compared).map(({ difference }) => difference));
  } finally {
    tf.dispose([states, variable]);
  }
}

/** The gradient of every trainable weight, through states and head, against finite differences. */
export async function compareWeightGradients(
  trial: PolicyTrial,
): Promise<{ readonly difference: number; readonly silent: readonly string[] }> {
  const { policy, sequences } = trial;
  const names = Object.keys(policy.trainable);
  if (names.length === 0) return { difference: 0, silent: [] };
  const probe = probeLogits(trial, countRows(trial));
  const gradients = await readWeightGradients(trial, probe);
  const terms = () => readTensor(tf.tidy(() => policy.head.logits(policy.completionStates(sequences))));
  const compared = await compareDifferences(trial, policy.trainable, gradients, probe, terms);
  for (const [name, { difference, numeric }] of Object.entries(compared)) {
    const missing = (gradients[name] ?? []).every((value) => value === 0);
    if (missing && difference > trial.gradientTolerance) {
      violate("weight gradients", `no gradient arrives at "${name}", and the logits depend on it.`, { name, numeric });
    }
  }
  return {
    difference: Math.max(...Object.values(compared).map(({ difference }) => difference)),
    silent: names.filter((name) => compared[name]!.numeric === 0),
  };
}

/** Gradients of `Σ logits · probe` in every trainable weight; none where neither tape nor head gives one. */
async function readWeightGradients({ policy, sequences }: PolicyTrial, probe: Float32Array) {
  const names = Object.keys(policy.trainable);
  const states = policy.completionStates(sequences);
  let ofStates: tf.Tensor2D | undefined;
  let taped: { value: tf.Tensor; grads: (tf.Tensor | null)[] } | undefined;
  try {
    const { states: dStates, ...gradients } = await readBackward(policy, states, probe, {});
    ofStates = tf.tensor2d(dStates!, states.shape);
    const variables = Object.values(policy.trainable);
    // With the gradient in the states as `dy`, no core op has to be differentiated here.
    taped = tf.engine().gradients(() => policy.completionStates(sequences), variables, ofStates, true);
    for (const [i, name] of names.entries()) {
      const gradient = taped.grads[i] ?? undefined;
      if (gradient === undefined) continue;
      const body = await gradient.data<"float32">();
      gradients[name] = Float32Array.from(body, (value, at) => value + (gradients[name]?.[at] ?? 0));
    }
    return gradients;
  } finally {
    states.dispose();
    ofStates?.dispose();
    if (taped !== undefined) tf.dispose([taped.value, ...taped.grads.filter((gradient) => gradient !== null)]);
  }
}

interface ComparedWeight {
  /** Relative; 0 when the difference is within rounding. */
  readonly difference: number;
  /** Largest finite difference; 0 when it is within rounding. */
  readonly numeric: number;
}

/** Moves each weight along a random direction and at the entry of the largest gradient, and puts it back. */
async function compareDifferences(
  { seed }: PolicyTrial,
  weights: Readonly<Record<string, tf.Variable>>,
  gradients: Readonly<Record<string, Float32Array>>,
  probe: Float32Array,
  readTerms: () => Promise<Float32Array>,
): Promise<Record<string, ComparedWeight>> {
  const rounding = roundingShare * norm((await readTerms()).map((logit, i) => logit * probe[i]!));
  const compared: Record<string, ComparedWeight> = {};
  for (const [name, variable] of Object.entries(weights)) {
    const original = (await variable.data<"float32">()).slice();
    const gradient = gradients[name] ?? new Float32Array(original.length);
    const size = relativeStep * Math.max(norm(original) / Math.sqrt(original.length), 1e-2);
    const stream = randomStream(seed, "direction", name);
    const direction = Float32Array.from(original, () => (stream.uniform() < 0.5 ? -size : size));
    const steepest = gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best]!) ? i : best), 0);
    const entry = new Float32Array(original.length);
    entry[steepest] = 10 * size;
    const measured: ComparedWeight[] = [];
    try {
      for (const move of [direction, entry]) {
        const ahead = await termsAfter(variable, original, move, 1, readTerms);
        const behind = await termsAfter(variable, original, move, -1, readTerms);
        const numeric = ahead.reduce((sum, logit, i) => sum + ((logit - behind[i]!) / 2) * probe[i]!, 0);
        const contributions = gradient.map((value, i) => value * move[i]!);
        const analytic = contributions.reduce((sum, value) => sum + value, 0);
        const distance = Math.abs(numeric - analytic);
        const scale = Math.max(Math.abs(numeric), norm(contributions));
        // Written so that NaN counts as the largest difference.
        const within = distance <= rounding;
        measured.push({
          difference: within ? 0 : Number.isNaN(distance) ? Infinity : distance / scale,
          numeric: Math.abs(numeric) <= rounding ? 0 : Math.abs(numeric),
        });
      }
    } finally {
      assign(variable, original);
    }
    compared[name] = {
      difference: Math.max(...measured.map(({ difference }) => difference)),
      numeric: Math.max(...measured.map(({ numeric }) => numeric)),
    };
  }
  return compared;
}

function termsAfter(
  variable: tf.Variable,
  original: Float32Array,
  move: Float32Array,
  sign: 1 | -1,
  readTerms: () => Promise<Float32Array>,
): Promise<Float32Array> {
  assign(
    variable,
    original.map((value, i) => value + sign * move[i]!),
  );
  return readTerms();
}

function assign(variable: tf.Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values.slice(), variable.shape)));
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
