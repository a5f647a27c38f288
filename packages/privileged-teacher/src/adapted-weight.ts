import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

/** A dense weight `W` that a low-rank adapter changes to `W + scale · B · A` (Hu et al., arXiv 2106.09685). */
export interface AdaptedWeight {
  /** Name of the dense weight in the policy's `merged` view. */
  readonly name: string;
  /** `[out, in]` W, without the adapter. Stays the caller's, and must outlive the teacher. */
  readonly base: tf.Tensor2D;
  /** Name of A `[rank, in]` in `policy.trainable`. */
  readonly a: string;
  /** Name of B `[out, rank]` in `policy.trainable`. */
  readonly b: string;
  readonly scale: number;
}

/** What the adapter adds now, `[out, in]`. */
export function currentDelta({ trainable }: Policy, { a, b, scale }: AdaptedWeight): tf.Tensor2D {
  return tf.tidy(() =>
    tf.mul(tf.matMul(trainable[b] as tf.Tensor as tf.Tensor2D, trainable[a] as tf.Tensor as tf.Tensor2D), scale),
  );
}

/** @throws invalid-argument without any; mismatch when names or shapes are not the policy's */
export function checkAdapted(
  { trainable }: Policy,
  adapted: readonly AdaptedWeight[] | undefined,
): readonly AdaptedWeight[] {
  if (adapted === undefined || adapted.length === 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "privileged-teacher.createTeacher",
      problem: "an ema of deltas needs `adapted`, at least one adapted weight, got none.",
      remedy: 'Describe every adapter; average: "weights" is for policies without adapters.',
    });
  }
  for (const { name, base, a, b } of adapted) {
    const [out, inner] = base.shape;
    const shapes = [trainable[a]?.shape, trainable[b]?.shape];
    const rank = shapes[0]?.[0];
    if (`${shapes[0]}` === `${rank},${inner}` && `${shapes[1]}` === `${out},${rank}`) continue;
    throw new ImagineOpdError("mismatch", {
      where: "privileged-teacher.createTeacher",
      problem: `"${name}" is [${base.shape}]; its factors must be "${a}" [rank, ${inner}] and "${b}" [${out}, rank], got ${shapes.map((shape) => (shape === undefined ? "none" : `[${shape}]`)).join(" and ")}.`,
      details: { name, a, b },
    });
  }
  return adapted;
}
