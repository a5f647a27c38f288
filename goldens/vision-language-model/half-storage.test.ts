import { openModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { openFixture, useBackend } from "../family.ts";

beforeAll(() => useBackend("cpu"));

test("a backend without 16 bits refuses, and nothing stays behind", async () => {
  const before = tf.memory().numTensors;
  await expect(openModel(openFixture("smolvlm"), { frozenStorage: "f16" })).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(
      /^tensor-ops.storeHalf: the backend "cpu" cannot store model\.\S+\.weight in 16 bits\./,
    ),
  });
  expect(tf.memory().numTensors).toBe(before);
});

test("a model of which every weight trains has none to store in 16 bits", async () => {
  const trainable = { kind: "full", vision: "trainable" } as const;
  await expect(openModel(openFixture("smolvlm"), { frozenStorage: "f16", trainable })).rejects.toThrow(
    'vision-language-model.openModel: frozenStorage "f16" was asked for, and every linear map trains.',
  );
});

test("other names are refused", async () => {
  const frozenStorage = "bf16" as "f16";
  await expect(openModel(openFixture("smolvlm"), { frozenStorage })).rejects.toThrow(
    '`frozenStorage` must be "f32" or "f16", got "bf16".',
  );
});
