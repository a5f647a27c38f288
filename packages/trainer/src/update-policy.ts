import type { DistillationResult, TokenReport } from "@imagine-opd/distillation-loss";
import { type AdamW, addGradients, clipScale, globalNorm } from "@imagine-opd/optim";
import { ImagineOpdError, throwIfAborted } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import type { MicroBatch } from "./micro-batches.ts";
import type { StepLoss } from "./step-loss.ts";

export interface UpdateResult {
  readonly loss: number;
  /** Before clipping; infinite or NaN when the update was skipped for it. */
  readonly gradientNorm: number;
  /** False when the gradient was not finite: nothing was changed. */
  readonly applied: boolean;
  /** One report a micro-batch, in order. */
  readonly reports: readonly TokenReport[];
  readonly teacherSeconds: number;
  /** Bytes of tensors alive at the end of the largest forward pass, what its backward pass needs included. */
  readonly peakBytes: number;
}

/** Gradients by the policy's names; a weight that none arrives at is an error, because tfjs loses gradients silently. */
function takeGradients(policy: Policy, f: () => tf.Scalar): { loss: tf.Scalar; gradients: Record<string, tf.Tensor> } {
  const names = Object.keys(policy.trainable);
  const { value, grads } = tf.variableGrads(f, Object.values(policy.trainable));
  const missing = names.filter((name) => grads[policy.trainable[name]!.name] === undefined);
  if (missing.length > 0) {
    tf.dispose([value, ...Object.values(grads)]);
    throw new ImagineOpdError("mismatch", {
      where: "trainer.trainStep",
      problem: `no gradient arrives at ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ` and ${missing.length - 3} more` : ""}.`,
      remedy: "Train only weights that the completions depend on; for pictures, every step needs at least one.",
      details: { missing },
    });
  }
  return {
    loss: value,
    gradients: Object.fromEntries(names.map((name) => [name, grads[policy.trainable[name]!.name]!])),
  };
}

/** Adds up in place of both operands, so that at most one sum stays in memory. */
function accumulate(
  total: Record<string, tf.Tensor> | undefined,
  more: Record<string, tf.Tensor>,
): Record<string, tf.Tensor> {
  if (total === undefined) return more;
  const sum = addGradients(total, more);
  tf.dispose([...Object.values(total), ...Object.values(more)]);
  return sum;
}

/** One optimiser update from micro-batches: their gradients add up to the whole step's, then are clipped once. */
export async function updatePolicy(
  policy: Policy,
  optimizer: AdamW,
  batches: readonly MicroBatch[],
  loss: StepLoss,
  options: {
    readonly learningRate: number;
    readonly maxGradientNorm: number;
    readonly features: ImageFeatures;
    readonly signal: AbortSignal | undefined;
  },
): Promise<UpdateResult> {
  let total: Record<string, tf.Tensor> | undefined;
  const reports: TokenReport[] = [];
  let lossSum = 0;
  let teacherSeconds = 0;
  let peakBytes = 0;
  try {
    for (const batch of batches) {
      throwIfAborted(options.signal, "trainer.trainStep");
      const asked = performance.now();
      const prepared = await loss.prepare(batch);
      teacherSeconds += (performance.now() - asked) / 1000;
      let result: DistillationResult | undefined;
      try {
        const sequences = batch.completions.map(({ prompt, tokens }) => ({ prompt, completion: tokens }));
        const step = takeGradients(policy, () => {
          result = prepared.apply(policy.completionStates(sequences, { features: options.features }));
          peakBytes = Math.max(peakBytes, tf.memory().numBytes);
          return result.loss;
        });
        total = accumulate(total, step.gradients);
        try {
          lossSum += (await step.loss.data())[0]!;
        } finally {
          step.loss.dispose();
        }
        reports.push(await result!.readTokens());
      } finally {
        result?.dispose();
        prepared.dispose();
      }
    }
    const gradientNorm = await globalNorm(total!);
    const applied = Number.isFinite(gradientNorm) && Number.isFinite(lossSum);
    if (applied) {
      const gradientScale = clipScale(gradientNorm, options.maxGradientNorm);
      optimizer.step(total!, { learningRate: options.learningRate, gradientScale });
    }
    return { loss: lossSum, gradientNorm, applied, reports, teacherSeconds, peakBytes };
  } finally {
    if (total !== undefined) tf.dispose(Object.values(total));
  }
}
