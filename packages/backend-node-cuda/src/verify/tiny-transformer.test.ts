import "@tensorflow/tfjs-backend-cpu";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { trainTinyTransformer } from "./tiny-transformer.ts";

test("x", async () => {
  tf.env().set("IS_TEST", true);
  await tf.setBackend("cpu");
  registerCoreGradients();
  const before = tf.memory().numTensors;
  const { losses } = await trainTinyTransformer(20);
  console.log(JSON.stringify(losses));
  expect(tf.memory().numTensors).toBe(before);
});
