import { type EncodedPrompt, ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import { randomStream } from "@imagine-opd/random-streams";
import * as tf from "@tensorflow/tfjs-core";
import {
  checkSizes,
  compareAppended,
  compareBatches,
  compareCachedDecoding,
  compareSelected,
  scoreEachAlone,
} from "./check-decoding.ts";
import { compareHeadGradient, compareSlices, compareWeightGradients } from "./check-gradients.ts";
import { compareFeatures, compareViews, measureDivergence } from "./check-views.ts";
import { type PolicyProperty, type PolicyReport, violate } from "./policy-report.ts";
import type { PolicyTrial } from "./policy-trial.ts";

export interface CheckPolicyOptions {
  /** Ids that the trial completions do not hold, such as image placeholders. @default [] */
  readonly bannedTokenIds?: readonly number[];
  /** Largest difference between logits that must agree, relative to the largest logit (at least 1). @default 1e-4 */
  readonly tolerance?: number;
  /** Largest relative difference between gradients and finite differences. @default 0.02 */
  readonly gradientTolerance?: number;
  /** Largest KL(student‖copy of the student), nats a token. @default 1e-5 */
  readonly divergenceTolerance?: number;
  /** Decides the trial completions and directions. @default 0 */
  readonly seed?: number;
}

const completionTokens = 3;

/**
 * Checks that a policy keeps the protocol: that its decoding, its scores, its gradients and its weight views belong to one
 * model. Runs in seconds for a small model, and moves every trainable weight twice; it puts each of them back, bit for bit.
 * Run it once when you write or change a policy.
 * @param prompts at least two, best of different lengths and with pictures
 * @throws mismatch with the first property that does not hold, in the order of `policyProperties`
 * @throws invalid-argument for fewer than two prompts, or a context too short for them and three tokens
 */
export async function checkPolicy(
  policy: Policy,
  prompts: readonly EncodedPrompt[],
  options: CheckPolicyOptions = {},
): Promise<PolicyReport> {
  const { tolerance = 1e-4, gradientTolerance = 2e-2, divergenceTolerance = 1e-5 } = options;
  const trial = openTrial(policy, prompts, { ...options, tolerance, gradientTolerance });
  const properties: { name: PolicyProperty; difference: number; tolerance: number }[] = [];
  const expect = (name: PolicyProperty, difference: number, allowed: number): void => {
    // Written so that NaN fails as well.
    if (!(difference <= allowed)) {
      const numbers = { difference, tolerance: allowed };
      violate(
        name,
        `numbers that must agree differ by ${difference.toPrecision(3)}, at most ${allowed} is right.`,
        numbers,
      );
    }
    properties.push({ name, difference, tolerance: allowed });
  };
  expect("sizes", await checkSizes(trial), 0);
  const expected = await scoreEachAlone(trial);
  expect("cached decoding", await compareCachedDecoding(trial, expected), tolerance);
  expect("batch independence", await compareBatches(trial, expected), tolerance);
  expect("select", await compareSelected(trial, expected), tolerance);
  expect("append", await compareAppended(trial, expected), tolerance);
  expect("image features", await compareFeatures(trial, expected), tolerance);
  expect("weight view", await compareViews(trial, expected), tolerance);
  expect("no divergence", await measureDivergence(trial), divergenceTolerance);
  expect("head slices", await compareSlices(trial), tolerance);
  expect("head gradient", await compareHeadGradient(trial), gradientTolerance);
  const { difference, silent } = await compareWeightGradients(trial);
  expect("weight gradients", difference, gradientTolerance);
  expect("no leak", await countLeaks(trial), 0);
  return { properties, silentWeights: silent };
}

function openTrial(
  policy: Policy,
  prompts: readonly EncodedPrompt[],
  {
    bannedTokenIds = [],
    seed = 0,
    tolerance,
    gradientTolerance,
  }: CheckPolicyOptions & Pick<PolicyTrial, "tolerance" | "gradientTolerance">,
): PolicyTrial {
  if (prompts.length < 2) refuse(`expected at least two prompts, got ${prompts.length}.`);
  const allowed = Array.from({ length: policy.vocabSize }, (_, id) => id).filter((id) => !bannedTokenIds.includes(id));
  if (allowed.length === 0) refuse(`\`bannedTokenIds\` leaves none of the ${policy.vocabSize} tokens.`);
  const longest = Math.max(...prompts.map(({ tokenIds }) => tokenIds.length));
  if (longest + completionTokens > policy.contextLength)
    refuse(`prompts of ${longest} tokens and ${completionTokens} more exceed the context of ${policy.contextLength}.`);
  const sequences = prompts.map((prompt, i) => {
    const stream = randomStream(seed, "trial-completion", i);
    const completion = Int32Array.from({ length: completionTokens }, () => allowed[stream.integer(allowed.length)]!);
    return { prompt, completion };
  });
  return { policy, sequences, tolerance, gradientTolerance, seed };
}

/** Tensors that a second round of everything leaves behind; the first one may fill caches. */
async function countLeaks(trial: PolicyTrial): Promise<number> {
  const work = async (): Promise<void> => {
    const expected = await scoreEachAlone(trial);
    await compareSelected(trial, expected);
    await compareAppended(trial, expected);
    await compareFeatures(trial, expected);
    await compareSlices(trial);
  };
  await work();
  const before = tf.memory().numTensors;
  await work();
  return tf.memory().numTensors - before;
}

function refuse(problem: string): never {
  throw new ImagineOpdError("invalid-argument", { where: "rollout-sampler.checkPolicy", problem });
}
