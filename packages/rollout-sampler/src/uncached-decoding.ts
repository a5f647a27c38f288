import { type EncodedPrompt, ImagineOpdError } from "@imagine-opd/protocol";
import type { DecodingSession, Policy, PolicyCallOptions } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

/**
 * A decoding session for a policy that keeps no key-value cache, from its scores alone: each call scores all rows from their
 * beginning, so a completion of T tokens costs T forward passes. For small models and for the first version of a larger one:
 * `startDecoding: (prompts, options) => openUncachedDecoding(policy, prompts, options)`.
 * @throws invalid-argument without a prompt or for one without tokens; mismatch when ids and rows differ in number, or a row to
 * select is not there
 */
export function openUncachedDecoding(
  policy: Pick<Policy, "completionStates" | "head">,
  prompts: readonly EncodedPrompt[],
  options: PolicyCallOptions = {},
): DecodingSession {
  let rows = takePrompts(prompts);
  // The state that predicts a token does not see it, so any id will do: the last one is in the vocabulary.
  const predict = (some: readonly EncodedPrompt[]): tf.Tensor2D =>
    tf.tidy(() => {
      const sequences = some.map((prompt) => ({ prompt, completion: prompt.tokenIds.slice(-1) }));
      const { weights } = options;
      return policy.head.logits(policy.completionStates(sequences, options), weights && { weights });
    });
  return {
    next(tokenIds) {
      if (tokenIds === undefined) return predict(rows);
      if (tokenIds.length !== rows.length) refuse("mismatch", `got ${tokenIds.length} ids for ${rows.length} rows.`);
      rows = rows.map((row, i) => ({ ...row, tokenIds: Int32Array.of(...row.tokenIds, tokenIds[i]!) }));
      return predict(rows);
    },
    select(kept) {
      rows = Array.from(
        kept,
        (i) => rows[i] ?? refuse("mismatch", `there is no row ${i} of ${rows.length} to select.`),
      );
    },
    append(added) {
      const fresh = takePrompts(added);
      rows = [...rows, ...fresh];
      return predict(fresh);
    },
    get lengths() {
      return Int32Array.from(rows, ({ tokenIds }) => tokenIds.length);
    },
    dispose() {},
  };
}

function takePrompts(prompts: readonly EncodedPrompt[]): readonly EncodedPrompt[] {
  if (prompts.length > 0 && prompts.every(({ tokenIds }) => tokenIds.length > 0)) return prompts;
  return refuse("invalid-argument", "at least one prompt is needed, and every prompt needs a token.");
}

function refuse(code: "invalid-argument" | "mismatch", problem: string): never {
  throw new ImagineOpdError(code, { where: "rollout-sampler.openUncachedDecoding", problem });
}
