import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { storeHalf } from "./store-half.ts";

beforeAll(() => tf.setBackend("cpu"));

test("a backend without it refuses by name, and nothing is stored in its place", () => {
  const before = tf.memory().numTensors;
  expect(() => storeHalf(Float32Array.of(1, 2), [1, 2], "layers.0.q_proj.weight")).toThrow(
    'tensor-ops.storeHalf: the backend "cpu" cannot store layers.0.q_proj.weight in 16 bits. Store it in float32, or open',
  );
  expect(tf.memory().numTensors).toBe(before);
});
