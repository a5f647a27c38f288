import {
  crossEntropyThroughHead,
  type Divergence,
  divergenceThroughHead,
  tokenLogProbs,
} from "@imagine-opd/distillation-loss";
import type { EncodedPrompt } from "@imagine-opd/protocol";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  backends,
  caseMessages,
  expectGradient,
  expectGradientNorm,
  families,
  largestDifference,
  norm,
  openFixture,
  readCases,
  readExpected,
  useBackend,
} from "../family.ts";

const jsd: Divergence = { kind: "jsd", beta: 0.5 };
const forwardKl: Divergence = { kind: "forward-kl" };

describe.each(backends)("%s", (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(families)("%s", (family) => {
    const { distill } = readCases(family);
    const expected = readExpected(family);
    const completion = Int32Array.from(distill.response_ids as number[]);
    let model: VisionLanguageModel;
    let student: EncodedPrompt;
    let teacher: EncodedPrompt;

    beforeAll(async () => {
      model = await openModel(openFixture(family), { trainable: { kind: "full", vision: "trainable" } });
      student = model.processor.encode(await caseMessages(family, "student"));
      teacher = model.processor.encode(await caseMessages(family, "teacher"));
    });
    afterAll(() => model.dispose());

    const statesOf = (prompt: EncodedPrompt) => model.policy.completionStates([{ prompt, completion }]);

    test("logits and log-probs of the answer in both contexts", async () => {
      for (const [name, prompt] of [
        ["student", student],
        ["teacher", teacher],
      ] as const) {
        const states = statesOf(prompt);
        const logits = model.policy.head.logits(states);
        expect(largestDifference(logits.dataSync(), expected.get(`distill/${name}_logits`)!.data)).toBeLessThan(1e-4);
        const { logProbs } = await tokenLogProbs(states, { head: model.policy.head, tokens: completion });
        expect(largestDifference(logProbs, distill[`${name}_logprobs`])).toBeLessThan(1e-4);
        tf.dispose([states, logits]);
      }
    });

    /** Loss and gradients of the mean divergence between the two contexts, through the head in chunks of rows. */
    async function differentiate(divergence: Divergence, chunkRows: number) {
      const { head, trainable } = model.policy;
      const teacherStates = statesOf(teacher);
      const tokensBefore = tf.memory().numTensors;
      let result: ReturnType<typeof divergenceThroughHead> | undefined;
      const { value, grads } = tf.variableGrads(() => {
        const options = { head, trainable, divergence, chunkRows, tokens: completion };
        result = divergenceThroughHead(statesOf(student), {
          ...options,
          teacher: { states: teacherStates, weights: { kind: "student" } },
        });
        return result.loss;
      }, Object.values(trainable));
      const report = await result!.readTokens();
      const gradients = new Map(
        Object.entries(trainable).map(([name, variable]) => [name, grads[variable.name]!.dataSync().slice()]),
      );
      const loss = value.dataSync()[0]!;
      tf.dispose([value, ...Object.values(grads)]);
      expect(tf.memory().numTensors).toBe(tokensBefore);
      teacherStates.dispose();
      return { loss, report, gradients };
    }

    test.each([10, 3])("JSD: values and every parameter's gradient, %i rows at a time", async (chunkRows) => {
      const { loss, report, gradients } = await differentiate(jsd, chunkRows);
      expect(Math.abs(loss - distill.mean.jsd)).toBeLessThan(1e-5);
      expect(largestDifference(report.values, distill.per_token.jsd)).toBeLessThan(1e-5);
      expect([...gradients.keys()].sort()).toEqual(Object.keys(distill.grad_norms).sort());
      for (const [name, size] of Object.entries(distill.grad_norms))
        expectGradientNorm(name, norm(gradients.get(name)!), size as number);
      const named = [...expected.keys()].filter((name) => name.startsWith("distill/grad/"));
      expect(named.length).toBeGreaterThan(12);
      for (const name of named)
        expectGradient(name, gradients.get(name.slice("distill/grad/".length))!, expected.get(name)!.data);
    });

    test("forward KL: values and gradient norms", async () => {
      const { loss, report, gradients } = await differentiate(forwardKl, 4);
      expect(Math.abs(loss - distill.mean.forward_kl)).toBeLessThan(1e-5);
      expect(largestDifference(report.values, distill.per_token.forward_kl)).toBeLessThan(1e-5);
      for (const [name, size] of Object.entries(distill.forward_kl_grad_norms))
        expectGradientNorm(name, norm(gradients.get(name)!), size as number);
    });

    test("reverse KL: values", async () => {
      const { loss, report } = await differentiate({ kind: "reverse-kl" }, 10);
      expect(Math.abs(loss - distill.mean.reverse_kl)).toBeLessThan(1e-5);
      expect(largestDifference(report.values, distill.per_token.reverse_kl)).toBeLessThan(1e-5);
    });

    test("supervised cross-entropy", () => {
      const { head, trainable } = model.policy;
      const states = statesOf(student);
      const result = crossEntropyThroughHead(states, { head, trainable, tokens: completion });
      expect(Math.abs(result.loss.dataSync()[0]! - distill.sft_cross_entropy)).toBeLessThan(1e-5);
      result.dispose();
      tf.dispose([states, result.loss]);
    });
  });
});
