import { divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { createAdamW } from "@imagine-opd/optim";
import { readGoldenJson, readGoldenTensors } from "@imagine-opd/test-kit";
import { openModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import {
  backends,
  caseMessages,
  expectGradient,
  families,
  fillMessages,
  largestDifference,
  openFixture,
  readCases,
  readExpected,
  useBackend,
} from "../family.ts";

describe.each(backends)("%s", (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(families)("%s", (family) => {
    test("a PEFT adapter changes exactly its modules, the logits and the answers as in PEFT", async () => {
      const expected = readGoldenJson(`${family}/adapter_expected.json`);
      const model = await openModel(openFixture(family), { adapter: openFixture(`${family}/adapter`) });
      expect([...model.adapter!.modules.keys()].sort()).toEqual([...expected.modules].sort());
      const { processor, policy } = model;
      const student = processor.encode(await caseMessages(family, expected.case));
      const last = student.tokenIds.length - 4;
      // The last four positions as completion states: what predicts tokens 1…4 after the first `last` ones.
      const prompt = { ...student, tokenIds: student.tokenIds.slice(0, last + 1) };
      const completion = Int32Array.from([...student.tokenIds.slice(last + 1), 0]);
      const states = policy.completionStates([{ prompt, completion }]);
      const logits = policy.head.logits(states);
      const { data } = readGoldenTensors(`${family}/adapter_expected.safetensors`).get("student/logits_last4")!;
      expect(largestDifference(logits.dataSync(), data)).toBeLessThan(1e-4);
      const base = policy.head.logits(states, { weights: { kind: "base" } });
      const plain = policy.completionStates([{ prompt, completion }], { weights: { kind: "base" } });
      const plainLogits = policy.head.logits(plain, { weights: { kind: "base" } });
      expect(
        largestDifference(
          plainLogits.dataSync(),
          readExpected(family)
            .get("student/logits_last8")!
            .data.slice(-4 * 416),
        ),
      ).toBeLessThan(1e-4);
      tf.dispose([states, logits, base, plain, plainLogits]);

      for (const { id, generated_ids: ids, generated_text: text } of expected.ask) {
        const { files, messages } = readGoldenJson(`${family}/ask.json`).cases.find(
          (each: { id: string }) => each.id === id,
        );
        const session = policy.startDecoding([processor.encode(await fillMessages(messages, files))]);
        const answer: number[] = [];
        let next = session.next();
        while (answer.length < ids.length) {
          const values = next.dataSync();
          answer.push(values.indexOf(Math.max(...values)));
          next.dispose();
          next = session.next(Int32Array.of(answer.at(-1)!));
        }
        next.dispose();
        session.dispose();
        expect(answer).toEqual(ids);
        expect(processor.decode(answer)).toBe(text);
      }
      model.dispose();
    });

    test("LoRA: gradients of the first step, and the loss over four AdamW steps", async () => {
      const { lora, distill } = readCases(family);
      const expected = readExpected(family);
      const model = await openModel(openFixture(family), {
        trainable: { kind: "lora", rank: lora.r, alpha: lora.alpha, targetModules: lora.targets, seed: 0 },
      });
      const { processor, policy } = model;
      const names = Object.keys(policy.trainable);
      expect(names.sort()).toEqual(
        [...expected.keys()]
          .filter((name) => /^lora\/model/.test(name))
          .map((name) => name.slice("lora/".length))
          .sort(),
      );
      for (const name of names) {
        const start = expected.get(`lora/${name}`)!;
        tf.tidy(() => policy.trainable[name]!.assign(tf.tensor(start.data, [...start.shape])));
      }
      const completion = Int32Array.from(distill.response_ids as number[]);
      const student = processor.encode(await caseMessages(family, "student"));
      const teacher = processor.encode(await caseMessages(family, "teacher"));
      const { betas, eps: epsilon, weight_decay: weightDecay, lr: learningRate } = lora.adamw;
      const optimizer = createAdamW(policy.trainable, { betas, epsilon, weightDecay });
      // The fixture's teacher is the model without its adapters.
      for (const [step, loss] of (lora.losses_over_adamw_steps as number[]).entries()) {
        const teacherStates = policy.completionStates([{ prompt: teacher, completion }], { weights: { kind: "base" } });
        const { value, grads } = tf.variableGrads(() => {
          const result = divergenceThroughHead(policy.completionStates([{ prompt: student, completion }]), {
            head: policy.head,
            trainable: policy.trainable,
            divergence: { kind: "jsd", beta: 0.5 },
            teacher: { states: teacherStates, weights: { kind: "base" } },
          });
          result.dispose();
          return result.loss;
        }, Object.values(policy.trainable));
        // 1e-5 for a loss, 3e-5 after several Adam steps.
        expect(Math.abs(value.dataSync()[0]! - loss), `step ${step}`).toBeLessThan(step === 0 ? 1e-5 : 3e-5);
        const gradients = Object.fromEntries(names.map((name) => [name, grads[policy.trainable[name]!.name]!]));
        if (step === 0) {
          for (const name of names)
            expectGradient(name, gradients[name]!.dataSync(), expected.get(`lora/grad/${name}`)!.data);
        }
        optimizer.step(gradients, { learningRate });
        tf.dispose([value, teacherStates, ...Object.values(grads)]);
      }
      optimizer.dispose();
      model.dispose();
    });
  });
});
