import { createTeacher, findAssistantPrefix, selfTest } from "@imagine-opd/privileged-teacher";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { caseMessages, families, largestDifference, openFixture, readCases, useBackend } from "../family.ts";

beforeAll(() => useBackend("wasm"));

describe.each(families)("%s", (family) => {
  let model: VisionLanguageModel;
  let sequences: ScoredSequence[];
  beforeAll(async () => {
    model = await openModel(openFixture(family), {
      trainable: { kind: "lora", rank: 2, alpha: 4, targetModules: ["q_proj", "v_proj", "down_proj"], seed: 1 },
    });
    const prompt = model.processor.encode(await caseMessages(family, "student"));
    sequences = [{ prompt, completion: Int32Array.from(readCases(family).distill.response_ids as number[]) }];
  });
  afterAll(() => model.dispose());

  /** The model's adapters as the teacher takes them. */
  const describeAdapters = ({ adapter, store }: VisionLanguageModel) =>
    [...adapter!.modules.values()].map(({ name, scale }) => ({
      name: `${name}.weight`,
      base: store.tensor(`${name}.weight`, { kind: "base" }) as tf.Tensor2D,
      a: `${name}.lora_A.weight`,
      b: `${name}.lora_B.weight`,
      scale,
    }));

  /** Every factor moves, as after an update. */
  const move = ({ trainable }: Policy) => {
    for (const [i, variable] of Object.values(trainable).entries()) {
      tf.tidy(() => variable.assign(tf.add(variable, tf.randomNormal(variable.shape, 0, 0.05, "float32", i + 1))));
    }
  };
  const logProbs = async (of: ReturnType<typeof createTeacher>) =>
    (await of.score(sequences, { want: "sampled" })).logProbs;

  test("a teacher of averaged deltas begins as the student, and at rate 1 follows it exactly", async () => {
    const { policy } = model;
    const kind = { kind: "ema", rate: 1, average: "deltas" } as const;
    const teacher = createTeacher(policy, kind, { adapted: describeAdapters(model) });
    const live = createTeacher(policy, { kind: "live" });
    const { maxAbsLogRatio } = await selfTest(policy, teacher, sequences);
    expect(maxAbsLogRatio).toBeLessThan(1e-5);
    const start = await logProbs(teacher);
    move(policy);
    expect(await logProbs(teacher)).toEqual(start);
    expect(largestDifference(await logProbs(live), start)).toBeGreaterThan(1e-3);
    teacher.afterUpdate();
    expect(largestDifference(await logProbs(teacher), await logProbs(live))).toBeLessThan(1e-4);
    teacher.dispose();
  });

  test("the assistant's header is found from the template", async () => {
    const header = findAssistantPrefix(model.processor);
    expect(header.length).toBeGreaterThan(1);
    const { tokenIds } = sequences[0]!.prompt;
    expect(tokenIds.slice(-header.length)).toEqual(header);
  });
});
