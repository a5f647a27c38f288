import { expect, test } from "vitest";
import { createRunLog } from "./run-log.ts";

test("steps and rollouts go to their own sinks, one line each", async () => {
  const written = { metrics: [] as string[], rollouts: [] as string[] };
  const log = createRunLog({
    metrics: async (line) => void written.metrics.push(line),
    rollouts: async (line) => void written.rollouts.push(line),
  });
  await log.logStep({ step: 1, task: { accuracy: 0.5 } });
  await log.logStep({ step: 2 });
  await log.logRollout({
    step: 1,
    recordId: "signs:1",
    rolloutIndex: 0,
    question: "what\ndigit?",
    text: "<answer>3</answer>",
    answer: "3",
    correct: true,
    stopReason: "stop",
    tokenIds: Int32Array.of(5, 6),
    logProbs: Float32Array.of(-0.1, -1 / 3),
  });
  expect(written.metrics).toEqual(['{"step":1,"task":{"accuracy":0.5}}\n', '{"step":2}\n']);
  expect(written.rollouts.join("")).toBe(
    '{"step":1,"recordId":"signs:1","rolloutIndex":0,"question":"what\\ndigit?","text":"<answer>3</answer>","answer":"3",' +
      '"correct":true,"stopReason":"stop","tokenIds":[5,6],"logProbs":[-0.1,-0.33333334]}\n',
  );
});

test("a sink that fails, and metrics that cannot be written, reject", async () => {
  const log = createRunLog({ metrics: () => Promise.reject(new Error("disk full")), rollouts: async () => {} });
  await expect(log.logStep({ step: 1 })).rejects.toThrow("disk full");
  await expect(log.logStep({ step: -1 })).rejects.toThrow("`step` must be a whole number");
});
