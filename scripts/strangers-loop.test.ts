import * as tf from "@tensorflow/tfjs-core";
import { expect, test, vi } from "vitest";

test("the program of docs/strangers-loop.md trains a model that is not ours, prints what the page shows, and leaves nothing behind", async () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../docs/strangers-loop.ts");
  const lines = print.mock.calls.map(([line]) => String(line));
  const numbers = lines.map((line) => /(\d+) of 48 right, ([\d.]+) nats a token$/.exec(line)!.slice(1).map(Number));
  const [first, last] = [numbers[0]!, numbers.at(-1)!];
  expect(first[0]).toBeLessThan(10);
  expect(last[0]).toBeGreaterThan(40);
  expect(last[1]).toBeLessThan(first[1]! / 10);
  expect(lines).toEqual([
    "step 1: 5 of 48 right, 1.583 nats a token",
    "step 5: 11 of 48 right, 1.233 nats a token",
    "step 10: 19 of 48 right, 0.783 nats a token",
    "step 15: 34 of 48 right, 0.387 nats a token",
    "step 20: 45 of 48 right, 0.122 nats a token",
  ]);
  expect(tf.memory().numTensors).toBe(0);
});
