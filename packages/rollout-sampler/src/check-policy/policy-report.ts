import { ImagineOpdError } from "@imagine-opd/protocol";

/**
 * What `checkPolicy` checks, in this order.
 *
 * - `sizes`: shapes, vocabulary, names and lengths are what the policy declares
 * - `cached decoding`: a session's logits are those of `completionStates` through the head
 * - `batch independence`: rows give the same numbers together as alone
 * - `select`: kept, reordered and repeated rows go on as themselves
 * - `append`: so do rows that enter later
 * - `image features`: encoded beforehand or on the way, pictures count the same
 * - `weight view`: `replaced` weights are used, in the states, the head and sessions, and the student's stay as they are
 * - `no divergence`: KL(student‖copy of the student) is 0 for the same prompt
 * - `head slices`: `from` and `to` cut logits and gradients out of the whole vocabulary's
 * - `head gradient`: `head.backward` agrees with finite differences
 * - `weight gradients`: so does the gradient of every trainable weight
 * - `no leak`: repeated work leaves no tensor behind
 */
export const policyProperties = [
  "sizes",
  "cached decoding",
  "batch independence",
  "select",
  "append",
  "image features",
  "weight view",
  "no divergence",
  "head slices",
  "head gradient",
  "weight gradients",
  "no leak",
] as const;

/** One of {@link policyProperties}. */
export type PolicyProperty = (typeof policyProperties)[number];

export interface PolicyReport {
  /** Largest difference that each property allows and showed; those without numbers have 0. */
  readonly properties: readonly {
    readonly name: PolicyProperty;
    readonly difference: number;
    readonly tolerance: number;
  }[];
  /** Trainable weights that the prompts do not reach: gradient and finite difference are 0. */
  readonly silentWeights: readonly string[];
}

/** Throws `mismatch`, naming the property. */
export function violate(
  property: PolicyProperty,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
): never {
  throw new ImagineOpdError("mismatch", {
    where: "rollout-sampler.checkPolicy",
    problem: `the property "${property}" does not hold: ${problem}`,
    remedy: "Correct the policy; later properties were not checked.",
    details: { property, ...details },
  });
}
