import { openBackend, openCheckpointDirectory } from "@imagine-opd/command-line";
import { promptTemplates } from "@imagine-opd/imagination-prompts";
import { createToyPolicy, createToyProcessor, goldenPath, plainImage, readGoldenJson } from "@imagine-opd/test-kit";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backends, families, fillMessages, largestDifference } from "../../../goldens/family.ts";
import { askMessages } from "./ask-messages.ts";
import { describeAnswer } from "./describe-answer.ts";
import { generateAnswer } from "./generate-answer.ts";

const greedy = { prompt: "raw", temperature: 0, seed: 0 } as const;

describe.each(backends)("transformers' answers on %s", (backend) => {
  beforeAll(async () => {
    await openBackend(backend);
  });

  describe.each(families)("%s", (family) => {
    describe.each(["without", "with"] as const)("%s adapter", (use) => {
      const { cases } = readGoldenJson(`${family}/ask.json`);
      const answers = use === "with" ? readGoldenJson(`${family}/adapter_expected.json`).ask : cases;
      let model: VisionLanguageModel;
      beforeAll(async () => {
        const adapter = use === "with" ? { adapter: goldenPath(`${family}/adapter`) } : {};
        model = await openCheckpointDirectory(goldenPath(family), adapter);
      });
      afterAll(() => model.dispose());

      test.each([0, 1, 2])("case %i", async (index) => {
        const { id, files, messages, input_ids } = cases[index];
        const expected = answers[index];
        expect(expected.id).toBe(id);
        const filled = await fillMessages(messages, files);
        const answer = await generateAnswer(model, filled, { ...greedy, maxTokens: expected.generated_ids.length });
        const record = await describeAnswer(model.policy, answer, { ...greedy, backend });
        expect(record.promptTokenIds).toEqual(input_ids);
        expect(record.tokenIds).toEqual(expected.generated_ids);
        expect(record.text).toBe(expected.generated_text);
        expect(largestDifference(record.logProbs, expected.generated_logprobs)).toBeLessThan(1e-4);
      });
    });
  });
});

describe("a toy model", () => {
  const vocabSize = 12;
  const processor = createToyProcessor(vocabSize); // 0 is a picture's placeholder, 1 ends an answer
  const question = askMessages("raw", [plainImage(40)], "what is this", promptTemplates);
  let policy: ReturnType<typeof createToyPolicy>;
  beforeAll(async () => {
    await openBackend("cpu");
    policy = createToyPolicy({ vocabSize, seed: 3 });
  });
  afterAll(() => policy.dispose());

  /** The first seed whose raw answer has this property. */
  async function findSeed(matches: (ids: readonly number[]) => boolean): Promise<number> {
    for (let seed = 0; seed < 400; seed++) {
      const ids = [];
      // Without a placeholder to know, generation ends by itself.
      const blind = { ...processor, placeholderTokenIds: [] };
      const { rollout } = await generateAnswer({ policy, processor: blind }, question, { ...options, seed });
      ids.push(...rollout.completion);
      if (matches(ids)) return seed;
    }
    throw new Error("no such seed");
  }
  const options = { prompt: "raw", temperature: 1, maxTokens: 4 } as const;

  test("going on from a placeholder is refused with the remedy", async () => {
    const seed = await findSeed((ids) => ids[1] === 0 && ids.length > 2);
    await expect(generateAnswer({ policy, processor }, question, { ...options, seed })).rejects.toThrow(
      /token 2 of the answer is 0, the placeholder of a picture.*--prompt direct or --prompt imagine/,
    );
    for (const prompt of ["direct", "imagine"] as const) {
      const { rollout } = await generateAnswer({ policy, processor }, question, { ...options, prompt, seed });
      expect(Array.from(rollout.completion)).not.toContain(0);
    }
  });

  test("a placeholder as the last token is an answer like any other", async () => {
    const seed = await findSeed((ids) => ids.length === 4 && ids.indexOf(0) === 3);
    const { rollout } = await generateAnswer({ policy, processor }, question, { ...options, seed });
    expect(rollout.completion[3]).toBe(0);
    expect(rollout.stopReason).toBe("length");
  });

  test("ids beyond the tokenizer are drawn only by raw prompts", async () => {
    const short = { ...processor, tokenCount: 3 };
    const draw = async (prompt: "raw" | "direct") => {
      const ids = new Set<number>();
      for (let seed = 0; seed < 30; seed++) {
        const blind = { ...short, placeholderTokenIds: prompt === "raw" ? [] : [0] };
        const { rollout } = await generateAnswer({ policy, processor: blind }, question, { ...options, prompt, seed });
        for (const id of rollout.completion) ids.add(id);
      }
      return [...ids].sort((a, b) => a - b);
    };
    expect(await draw("direct")).toEqual([1, 2]);
    expect((await draw("raw")).some((id) => id >= 3)).toBe(true);
  });

  test("onText is told of every token", async () => {
    const texts: string[] = [];
    const direct = { ...options, prompt: "direct", seed: 1 } as const;
    const { text, rollout } = await generateAnswer({ policy, processor }, question, {
      ...direct,
      onText: (soFar) => texts.push(soFar),
    });
    expect(texts).toEqual(
      Array.from(rollout.completion, (_, i) => processor.decode(rollout.completion.slice(0, i + 1))),
    );
    expect(texts.at(-1)).toBe(text);
  });

  test.each([0, 0.5, 1, 2])("log-probs at temperature %d are those of the unmodified logits", async (temperature) => {
    const sampling = { prompt: "direct", temperature, seed: 5, maxTokens: 6, topK: 3 } as const;
    const answer = await generateAnswer({ policy, processor }, question, sampling);
    const before = tf.memory().numTensors;
    const { logProbs } = await describeAnswer(policy, answer, { ...sampling, backend: "cpu" });
    expect(tf.memory().numTensors).toBe(before);
    const { prompt, completion } = answer.rollout;
    const logits = tf.tidy(() => policy.head.logits(policy.completionStates([{ prompt, completion }])).arraySync());
    const expected = logits.map((row, i) => {
      const normalizer = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      return row[completion[i]!]! - normalizer;
    });
    expect(largestDifference(logProbs, expected)).toBeLessThan(1e-5);
  });

  test("a fired signal ends it as aborted", async () => {
    const signal = AbortSignal.abort();
    await expect(
      generateAnswer({ policy, processor }, question, { ...options, seed: 0, signal }),
    ).rejects.toMatchObject({ code: "aborted" });
  });

  test("the answer tag is read, or null", async () => {
    const answer = await generateAnswer({ policy, processor }, question, { ...options, prompt: "direct", seed: 1 });
    const describe = (text: string) =>
      describeAnswer(policy, { ...answer, text }, { prompt: "direct", temperature: 1, backend: "cpu" });
    expect((await describe("so <answer> red </answer>")).answer).toBe("red");
    expect((await describe("so red")).answer).toBeNull();
  });
});
