import "@tensorflow/tfjs-backend-cpu";
import {
  crossEntropy,
  type Divergence,
  divergence,
  estimateReverseKl,
  sampledReverseKl,
} from "@imagine-opd/distillation-loss";
import { readGoldenJson, readGoldenTensors } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";

// PyTorch's values on the logits of five small models; tolerances of goldens/README.md: log-probs 1e-4, losses 1e-5.

const divergences: Record<string, Divergence> = {
  forward_kl: { kind: "forward-kl" },
  reverse_kl: { kind: "reverse-kl" },
  jsd: { kind: "jsd", beta: 0.5 },
};

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe.each(["idefics3", "smolvlm", "qwen3_vl", "qwen2_5_vl", "qwen2_vl"])("%s", (family) => {
  const golden = readGoldenJson(`${family}/fixture.json`).distill;
  const tensors = readGoldenTensors(`${family}/expected.safetensors`);
  const tokens = Int32Array.from(golden.response_ids as number[]);
  const logits = (name: string): tf.Tensor2D => {
    const { data, shape } = tensors.get(name)!;
    return tf.tensor(data, [...shape].slice(-2) as [number, number]);
  };
  const student = () => logits("distill/student_logits");
  const expectNear = (actual: ArrayLike<number>, expected: readonly number[], tolerance: number) => {
    expect(actual).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(Math.abs(actual[i]! - value)).toBeLessThan(tolerance);
  };

  test.each(Object.keys(divergences))("%s per token and its mean", async (name) => {
    const { loss, readTokens } = divergence(student(), logits("distill/teacher_logits"), {
      divergence: divergences[name]!,
      tokens,
      chunkRows: 3,
    });
    const report = await readTokens();
    expectNear(report.values, golden.per_token[name], 1e-5);
    expectNear(loss.dataSync(), [golden.mean[name]], 1e-5);
    expectNear(report.studentLogProbs!, golden.student_logprobs, 1e-4);
    expectNear(report.teacherLogProbs!, golden.teacher_logprobs, 1e-4);
  });

  test("sampled reverse KL and k1 from the teacher's log-probs", async () => {
    const teacherLogProbs = Float32Array.from(golden.teacher_logprobs as number[]);
    const { loss, readTokens } = sampledReverseKl(student(), { tokens, teacherLogProbs });
    const k1 = (golden.student_logprobs as number[]).map((logProb, i) => logProb - golden.teacher_logprobs[i]);
    const report = await readTokens();
    expectNear(report.values, k1, 1e-4);
    expectNear(estimateReverseKl("k1", report.studentLogProbs!, report.teacherLogProbs!), k1, 1e-4);
    expectNear(loss.dataSync(), [k1.reduce((a, b) => a + b) / k1.length], 1e-5);
  });

  test("supervised cross-entropy of the answer", () => {
    const { loss } = crossEntropy(student(), { tokens });
    expectNear(loss.dataSync(), [golden.sft_cross_entropy], 1e-5);
  });
});
