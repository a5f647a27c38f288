import { crossEntropyThroughHead, sampledReverseKlThroughHead } from "@imagine-opd/distillation-loss";
import { openModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { backends, caseMessages, expectGradient, families, openFixture, readCases, useBackend } from "../family.ts";

type Gradients = Map<string, Float32Array>;

/** Gradients of the losses that see one token of each distribution, in every parameter of a model. */
async function tokenGradients(family: (typeof families)[number], backend: (typeof backends)[number]) {
  await useBackend(backend);
  const { policy, processor } = await openModel(openFixture(family), {
    trainable: { kind: "full", vision: "trainable" },
  });
  const prompt = processor.encode(await caseMessages(family, "student"));
  const { response_ids: ids, teacher_logprobs: teacher } = readCases(family).distill;
  const completion = Int32Array.from(ids as number[]);
  const shared = { head: policy.head, trainable: policy.trainable, tokens: completion };
  const gradientsOf = (loss: (states: tf.Tensor2D) => { loss: tf.Scalar; dispose(): void }): Gradients => {
    const { value, grads } = tf.variableGrads(() => {
      const result = loss(policy.completionStates([{ prompt, completion }]));
      result.dispose();
      return result.loss;
    }, Object.values(policy.trainable));
    const gradients = Object.entries(policy.trainable).map(
      ([name, variable]) => [name, grads[variable.name]!.dataSync().slice() as Float32Array] as const,
    );
    tf.dispose([value, ...Object.values(grads)]);
    return new Map(gradients);
  };
  const results = {
    crossEntropy: gradientsOf((states) => crossEntropyThroughHead(states, shared)),
    sampled: gradientsOf((states) =>
      sampledReverseKlThroughHead(states, { ...shared, teacherLogProbs: Float32Array.from(teacher as number[]) }),
    ),
  };
  policy.dispose();
  return results;
}

describe.each(families)("%s", (family) => {
  test.each(backends.filter((backend) => backend !== "cpu"))(
    "token losses have cpu's gradients on %s",
    async (backend) => {
      const [expected, actual] = [await tokenGradients(family, "cpu"), await tokenGradients(family, backend)];
      for (const loss of ["crossEntropy", "sampled"] as const) {
        expect(Math.max(...expected[loss].get("model.text_model.norm.weight")!.map(Math.abs))).toBeGreaterThan(1e-3);
        for (const [name, gradient] of expected[loss])
          expectGradient(`${loss} ${name}`, actual[loss].get(name)!, gradient);
      }
    },
  );
});
