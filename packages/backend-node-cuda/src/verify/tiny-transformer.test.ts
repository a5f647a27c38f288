import "@tensorflow/tfjs-backend-cpu";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { expectedLosses } from "./expected-losses.ts";
import { trainTinyTransformer } from "./tiny-transformer.ts";

test("the stored losses are those of tfjs's cpu backend, and nothing is left", async () => {
  tf.env().set("IS_TEST", true); // silences tfjs's advertisement
  await tf.setBackend("cpu");
  registerCoreGradients();
  const before = tf.memory().numTensors;
  const { losses } = await trainTinyTransformer(expectedLosses.length);
  expect(losses).toHaveLength(20);
  for (const [step, loss] of losses.entries()) expect(loss).toBeCloseTo(expectedLosses[step]!, 5);
  expect(tf.memory().numTensors).toBe(before);
});
