import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { crossEntropyThroughHead, type Divergence, divergenceThroughHead } from "@imagine-opd/distillation-loss";
import type { EncodedPrompt } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectGradient, expectGradientNorm, largestDifference, norm } from "../compare.ts";
import { type Family, type Fixtures, families } from "../open-fixtures.ts";

// The tolerances of goldens/README.md for a GPU.
const logitTolerance = 1e-3;
const lossTolerance = 1e-4;
const gradientTolerance = 1e-3;

const jsd: Divergence = { kind: "jsd", beta: 0.5 };
const forwardKl: Divergence = { kind: "forward-kl" };

async function useBackend(name: "webgpu" | "cpu"): Promise<void> {
  if (name === "webgpu") await openWebgpuBackend();
  else {
    await tf.setBackend("cpu");
    registerCoreGradients();
  }
}

async function readAll(tensors: Readonly<Record<string, tf.Tensor>>): Promise<Map<string, Float32Array>> {
  const entries = Object.entries(tensors).map(async ([name, x]) => [name, (await x.data()) as Float32Array] as const);
  return new Map(await Promise.all(entries));
}

/** Mean divergence of the student's answer from the teacher's distributions, with the gradient in every parameter. */
async function differentiate({ policy }: VisionLanguageModel, prompts: Prompts, divergence: Divergence) {
  const { head, trainable } = policy;
  const { student, teacher, completion: tokens } = prompts;
  const statesOf = (prompt: EncodedPrompt) => policy.completionStates([{ prompt, completion: tokens }]);
  const teacherStates = statesOf(teacher);
  let result: ReturnType<typeof divergenceThroughHead> | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const from = { states: teacherStates, weights: { kind: "student" } } as const;
    result = divergenceThroughHead(statesOf(student), { head, trainable, divergence, tokens, teacher: from });
    return result.loss;
  }, Object.values(trainable));
  const { values } = await result!.readTokens();
  const loss = (await value.data())[0]!;
  const byName = Object.entries(trainable).map(([name, variable]) => [name, grads[variable.name]!] as const);
  const gradients = await readAll(Object.fromEntries(byName));
  tf.dispose([value, teacherStates, ...Object.values(grads)]);
  return { loss, values, gradients };
}

interface Prompts {
  readonly student: EncodedPrompt;
  readonly teacher: EncodedPrompt;
  readonly completion: Int32Array;
}

async function openForTraining({ openFixture, readCases, caseMessages }: Fixtures, family: Family) {
  const model = await openModel(openFixture(family), { trainable: { kind: "full", vision: "trainable" } });
  const encode = async (name: string) => model.processor.encode(await caseMessages(family, name));
  const { response_ids: ids } = (await readCases(family)).distill;
  const prompts: Prompts = {
    student: await encode("student"),
    teacher: await encode("teacher"),
    completion: Int32Array.from(ids as number[]),
  };
  return { model, prompts };
}

const largestAt = (values: ArrayLike<number>): number => Array.from(values).indexOf(Math.max(...Array.from(values)));

/** Whole small models on WebGPU against PyTorch's numbers and backend-cpu's, wherever the fixtures are read. */
export function testOnWebgpu(fixtures: Fixtures): void {
  const { caseMessages, openExpected, readCases } = fixtures;

  describe.each(families)("%s on WebGPU", (family) => {
    let model: VisionLanguageModel;
    let prompts: Prompts;
    let tensorsBefore = 0;

    beforeAll(async () => {
      await useBackend("webgpu");
      tensorsBefore = tf.memory().numTensors;
      ({ model, prompts } = await openForTraining(fixtures, family));
    });
    afterAll(() => {
      model.dispose();
      expect(tf.memory().numTensors).toBe(tensorsBefore);
      closeWebgpuBackend();
    });

    test.each(["student", "teacher", "text"])("%s: last logits, and greedy ids with log-probs", async (name) => {
      const { generated_ids: ids, generated_logprobs: logProbs } = (await readCases(family)).cases[name];
      const expected = (await (await openExpected(family)).read(`${name}/logits_last8`)).slice(-416);
      const session = model.policy.startDecoding([model.processor.encode(await caseMessages(family, name))]);
      let logits = session.next();
      expect(largestDifference(await logits.data(), expected)).toBeLessThan(logitTolerance);
      for (const [i, id] of (ids as number[]).entries()) {
        const values = await logits.data();
        expect(largestAt(values), `token ${i}`).toBe(id);
        const logSum = Math.log(Array.from(values).reduce((sum, value) => sum + Math.exp(value), 0));
        expect(Math.abs(values[id]! - logSum - logProbs[i])).toBeLessThan(logitTolerance);
        logits.dispose();
        logits = session.next(Int32Array.of(id));
      }
      logits.dispose();
      session.dispose();
    });

    test("a left-padded batch gives every row the ids that it gets alone", async () => {
      const session = model.policy.startDecoding([prompts.student, prompts.teacher]);
      const answers: number[][] = [[], []];
      let logits = session.next();
      for (let step = 0; step < 10; step++) {
        const values = await logits.data();
        logits.dispose();
        const ids = [0, 1].map((row) => largestAt(values.subarray(row * 416, (row + 1) * 416)));
        ids.forEach((id, row) => {
          answers[row]!.push(id);
        });
        logits = session.next(Int32Array.from(ids));
      }
      logits.dispose();
      session.dispose();
      expect(answers).toEqual((await readCases(family)).batch.generated_ids);
    });

    test("logits of the answer in both contexts, and its cross-entropy", async () => {
      const { head, trainable } = model.policy;
      const expected = await openExpected(family);
      for (const name of ["student", "teacher"] as const) {
        const states = model.policy.completionStates([{ prompt: prompts[name], completion: prompts.completion }]);
        const logits = head.logits(states);
        expect(largestDifference(await logits.data(), await expected.read(`distill/${name}_logits`))).toBeLessThan(
          logitTolerance,
        );
        if (name === "student") {
          const result = crossEntropyThroughHead(states, { head, trainable, tokens: prompts.completion });
          const { sft_cross_entropy: crossEntropy } = (await readCases(family)).distill;
          expect(Math.abs((await result.loss.data())[0]! - crossEntropy)).toBeLessThan(lossTolerance);
          result.dispose();
          result.loss.dispose();
        }
        tf.dispose([states, logits]);
      }
    });

    test("JSD and forward KL: values, and every parameter's gradient", async () => {
      const { distill } = await readCases(family);
      const expected = await openExpected(family);
      const ofJsd = await differentiate(model, prompts, jsd);
      expect(Math.abs(ofJsd.loss - distill.mean.jsd)).toBeLessThan(lossTolerance);
      expect(largestDifference(ofJsd.values, distill.per_token.jsd)).toBeLessThan(lossTolerance);
      for (const [name, size] of Object.entries(distill.grad_norms))
        expectGradientNorm(name, norm(ofJsd.gradients.get(name)!), size as number, gradientTolerance);
      const named = expected.names.filter((name) => name.startsWith("distill/grad/"));
      expect(named.length).toBeGreaterThan(12);
      for (const name of named) {
        const actual = ofJsd.gradients.get(name.slice("distill/grad/".length))!;
        expectGradient(name, actual, await expected.read(name), gradientTolerance);
      }
      const ofForwardKl = await differentiate(model, prompts, forwardKl);
      expect(Math.abs(ofForwardKl.loss - distill.mean.forward_kl)).toBeLessThan(lossTolerance);
      for (const [name, size] of Object.entries(distill.forward_kl_grad_norms))
        expectGradientNorm(name, norm(ofForwardKl.gradients.get(name)!), size as number, gradientTolerance);
    });

    test("gradients differ from the cpu backend's by 1e-5 at most", async () => {
      const { gradients } = await differentiate(model, prompts, jsd);
      await useBackend("cpu");
      const onCpu = await openForTraining(fixtures, family);
      const { gradients: expected } = await differentiate(onCpu.model, onCpu.prompts, jsd);
      onCpu.model.dispose();
      await tf.setBackend("webgpu");
      expect([...gradients.keys()]).toEqual([...expected.keys()]);
      for (const [name, gradient] of expected) expectGradient(name, gradients.get(name)!, gradient, 1e-5);
    });
  });
}
