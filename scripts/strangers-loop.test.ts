import * as tf from "@tensorflow/tfjs-core";
import { expect, test, vi } from "vitest";

test("the program of docs/strangers-loop.md trains a model that is not ours, prints what the page shows, and leaves nothing behind", async () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  const { history } = await import("../docs/strangers-loop.ts");
  expect(history[0]!.right).toBeLessThan(0.2);
  expect(history.at(-1)!.right).toBeGreaterThan(0.5);
  expect(history.at(-1)!.divergence).toBeLessThan(history[0]!.divergence / 5);
  expect(print.mock.calls.map(([line]) => line)).toEqual([
    "step 1: 6 % name the colour, 0.687 nats a token to the teacher",
    "step 5: 19 % name the colour, 0.402 nats a token to the teacher",
    "step 10: 52 % name the colour, 0.043 nats a token to the teacher",
    "step 20: 67 % name the colour, 0.058 nats a token to the teacher",
  ]);
  expect(tf.memory().numTensors).toBe(0);
});
