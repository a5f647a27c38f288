import type { EncodedPrompt } from "@imagine-opd/protocol";
import { checkPolicy, sampleRollouts } from "@imagine-opd/rollout-sampler";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { caseMessages, openFixture, useBackend } from "../family.ts";

beforeAll(() => useBackend("wasm"));

describe("the smolvlm model as anyone's policy", () => {
  let model: VisionLanguageModel;
  const prompts: EncodedPrompt[] = [];
  beforeAll(async () => {
    model = await openModel(openFixture("smolvlm"), { trainable: { kind: "full", vision: "trainable" } });
    for (const name of ["student", "text"]) prompts.push(model.processor.encode(await caseMessages("smolvlm", name)));
  });
  afterAll(() => model.dispose());

  test("it keeps every property of the protocol", async () => {
    const bannedTokenIds = model.processor.placeholderTokenIds;
    const { silentWeights } = await checkPolicy(model.policy, prompts, { bannedTokenIds });
    // A bias of the keys adds the same to every score of a query, which softmax takes out again.
    const layers = [0, 1].map((layer) => `model.vision_model.encoder.layers.${layer}`);
    expect(silentWeights).toEqual(layers.map((layer) => `${layer}.self_attn.k_proj.bias`));
  });

  test("with fresh adapters too: the logits depend on B alone while it is 0", async () => {
    const lora = { kind: "lora", rank: 2, alpha: 4, targetModules: ["q_proj", "down_proj"], seed: 0 } as const;
    const adapted = await openModel(openFixture("smolvlm"), { trainable: lora });
    const bannedTokenIds = model.processor.placeholderTokenIds;
    const { silentWeights } = await checkPolicy(adapted.policy, prompts, { bannedTokenIds });
    const factors = Object.keys(adapted.policy.trainable);
    expect(silentWeights).toEqual(factors.filter((name) => name.endsWith("lora_A.weight")));
    adapted.dispose();
  });

  test.each([0.7, 1])(
    "the sampler's log-probs are those of teacher-forced scoring at temperature %d",
    async (temperature) => {
      const { policy, processor } = model;
      const rollouts = await sampleRollouts(
        policy,
        prompts.map((prompt, i) => ({ recordId: `${i}`, prompt })),
        {
          temperature,
          topP: 0.9,
          stopTokenIds: processor.stopTokenIds,
          bannedTokenIds: processor.placeholderTokenIds,
          tokenLimit: processor.tokenCount,
          maxTokens: 24,
          rolloutsPerPrompt: 3,
          batchSize: 3,
          seed: 11,
        },
      );
      const scored = tf.tidy(() => {
        const states = policy.completionStates(rollouts);
        return tf.logSoftmax(tf.div(policy.head.logits(states), temperature)).arraySync() as number[][];
      });
      const ids = rollouts.flatMap(({ completion }) => [...completion]);
      const sampled = rollouts.flatMap(({ logProbs }) => [...logProbs]);
      const ranks = rollouts.flatMap((rollout) => [...rollout.ranks]);
      expect(ids.length).toBeGreaterThan(60);
      ids.forEach((id, i) => {
        const row = scored[i]!;
        expect(Math.abs(sampled[i]! - row[id]!)).toBeLessThan(1e-4);
        // Tokens whose order differs by rounding may change places.
        const clearlyAbove = row.filter((logProb) => logProb > row[id]! + 1e-4).length;
        const possiblyAbove = row.filter((logProb) => logProb > row[id]! - 1e-4).length;
        expect(ranks[i]).toBeGreaterThan(clearlyAbove);
        expect(ranks[i]).toBeLessThanOrEqual(possiblyAbove);
      });
    },
  );
});
