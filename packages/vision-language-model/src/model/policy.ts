import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy, WeightView } from "@imagine-opd/protocol/policy";
import { registerCoreGradients, rmsNorm, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig } from "../config/model-config.ts";
import { startDecoding } from "./decoding-session.ts";
import { type ModelParts, runSequences } from "./forward.ts";
import { createHead } from "./head.ts";
import { createImageEncoder } from "./image-features.ts";
import type { Recompute } from "./run-layers.ts";
import type { HostRows } from "./token-embedding.ts";
import { isVisionWeight, textNormName } from "./weight-names.ts";
import type { WeightStore } from "./weight-store.ts";

const student: WeightView = { kind: "student" };

function checkLength(tokens: number, contextLength: number, where: string): void {
  if (tokens <= contextLength) return;
  throw new ImagineOpdError("limit-exceeded", {
    where,
    problem: `a sequence of ${tokens} tokens is longer than the context of ${contextLength}.`,
    remedy: "Use fewer or smaller pictures, a shorter text, or image splitting off.",
    details: { tokens, contextLength },
  });
}

/** The model as a {@link Policy}. It takes over the store and disposes it. */
export function createPolicy(
  config: ModelConfig,
  store: WeightStore,
  hostRows: HostRows | undefined,
  recompute: Recompute = "none",
): Policy {
  registerCoreGradients();
  const images = createImageEncoder(store, config, Object.keys(store.trainable).some(isVisionWeight), recompute);
  const parts: ModelParts = { config, store, images, hostRows, recompute };
  const head = createHead(store, config);
  const { contextLength, vocabSize, hiddenSize, epsilon } = config.text;
  return {
    vocabSize,
    contextLength,
    trainable: store.trainable,
    head,
    encodeImages: (patches, { weights = student } = {}) => images.encode(patches, weights),
    startDecoding(prompts, { weights = student, features } = {}) {
      if (prompts.length === 0) {
        throw new ImagineOpdError("invalid-argument", {
          where: "Policy.startDecoding",
          problem: "expected at least one prompt, got none.",
        });
      }
      for (const { tokenIds } of prompts) checkLength(tokenIds.length, contextLength, "Policy.startDecoding");
      return startDecoding(prompts, parts, head, weights, features);
    },
    completionStates(sequences, { weights = student, features } = {}) {
      const total = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
      if (total === 0) {
        throw new ImagineOpdError("invalid-argument", {
          where: "Policy.completionStates",
          problem: "there is no completion token to score.",
        });
      }
      const rows = sequences.map(({ prompt, completion }) => {
        const tokenIds = Int32Array.from([...prompt.tokenIds, ...completion]);
        checkLength(tokenIds.length, contextLength, "Policy.completionStates");
        // The last token predicts nothing that is scored, so it need not run.
        return {
          tokenIds: tokenIds.subarray(0, tokenIds.length - (completion.length > 0 ? 1 : 0)),
          patches: prompt.patches,
        };
      });
      return tf.tidy(() => {
        const { layout, x } = runSequences(rows, "right", parts, weights, features);
        const scored = sequences.flatMap(({ prompt, completion }, b) =>
          Array.from(completion, (_, i) => b * layout.length + prompt.tokenIds.length - 1 + i),
        );
        const states = takeRows(tf.reshape(x, [-1, hiddenSize]), Int32Array.from(scored));
        return rmsNorm(states, store.tensor(textNormName, weights), epsilon) as tf.Tensor2D;
      });
    },
    dispose: () => store.dispose(),
  };
}
