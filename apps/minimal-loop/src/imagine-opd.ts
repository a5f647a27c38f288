// Imagine-OPD (arXiv 2606.08719) by hand: the whole algorithm from leaf packages, for any backend and any program around it.
import { divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { type PromptTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import { clipScale, createAdamW, globalNorm, learningRateAt } from "@imagine-opd/optim";
import {
  createTeacher,
  pairContexts,
  studentPrompt,
  type Teacher,
  teacherPrompt,
} from "@imagine-opd/privileged-teacher";
import { type Example, type FileSource, readJson } from "@imagine-opd/protocol";
import { sampleRollouts, streamRollouts } from "@imagine-opd/rollout-sampler";
import { openModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";

export type Student = Awaited<ReturnType<typeof openStudent>>;

/** Opens a checkpoint for training, with the prompts that it was taught where they lie beside its weights. */
export async function openStudent(files: FileSource) {
  const file = "imagine-opd-prompts.json";
  const own = (await files.size(file)) === undefined ? {} : ((await readJson(files, file)) as Partial<PromptTemplates>);
  const model = await openModel(files, { trainable: { kind: "full", vision: "frozen" } });
  const { stopTokenIds, placeholderTokenIds: bannedTokenIds, tokenCount: tokenLimit } = model.processor;
  const sampling = { stopTokenIds, bannedTokenIds, tokenLimit, maxTokens: 56, seed: 0 };
  return { ...model, templates: { ...promptTemplates, ...own }, sampling };
}

/** The student's most probable answer: after every token, all of its text so far. */
export async function* ask({ policy, processor, templates, sampling }: Student, example: Example) {
  const request = { recordId: example.id, prompt: studentPrompt(processor, example, { imagination: "on", templates }) };
  const completion: number[] = [];
  for await (const event of streamRollouts(policy, [request], { ...sampling, temperature: 0 })) {
    if (event.type !== "token-sampled") continue;
    completion.push(event.tokenId);
    yield processor.decode(completion);
  }
}

/** Trains the student in place to write without the evidence views what it would write with them. Yields after every step. */
export async function* train(student: Student, batches: Iterable<Example[]>, learningRate: number, totalSteps: number) {
  // With few scenes a step, a rate that does not fall to 0 wanders about.
  const warmupSteps = Math.min(20, Math.floor(totalSteps / 5));
  const schedule = { kind: "cosine", learningRate, warmupSteps, totalSteps } as const;
  // The teacher is the same model, its weights as they are now.
  const teacher = createTeacher(student.policy, { kind: "frozen", from: "snapshot" });
  const optimizer = createAdamW(student.policy.trainable, { weightDecay: 0.01 });
  try {
    for (const examples of batches) {
      const { gradients, ...signal } = await differentiate(student, teacher, examples, optimizer.stepCount);
      try {
        const rate = learningRateAt(optimizer.stepCount, schedule);
        optimizer.step(gradients, { learningRate: rate, gradientScale: clipScale(await globalNorm(gradients), 1) });
      } finally {
        tf.dispose(gradients);
      }
      teacher.afterUpdate();
      yield { step: optimizer.stepCount, ...signal };
    }
  } finally {
    optimizer.dispose();
    teacher.dispose();
  }
}

/** The gradients of a step by the names of the weights, and how far the student is from its teacher. */
async function differentiate(student: Student, teacher: Teacher, examples: readonly Example[], step: number) {
  const { policy, processor, templates, sampling } = student;
  const reveal = { evidence: true, groundTruth: false }; // the teacher sees the views, not the answer
  const prompts = examples.map((example) => studentPrompt(processor, example, { imagination: "on", templates }));
  const privileged = examples.map((example) => teacherPrompt(processor, example, { reveal, templates }));
  const features = policy.encodeImages([...prompts, ...privileged].flatMap(({ patches }) => patches));
  const held: { dispose(): void }[] = [features];
  try {
    // 1. The student answers the plain prompt. It learns from its own words.
    const requests = examples.map(({ id }, i) => ({ recordId: id, prompt: prompts[i]! }));
    const rollouts = await sampleRollouts(policy, requests, { ...sampling, step, features });

    // 2. The teacher reads exactly these tokens, behind the privileged prompt.
    const limits = { placeholderTokenIds: processor.placeholderTokenIds, contextLength: policy.contextLength };
    const contexts = pairContexts(rollouts, privileged, limits);
    const scored = await teacher.score(contexts, { want: "states", features });
    held.push(scored.states);

    // 3. KL(student‖teacher) at every token, over the whole vocabulary. The paper's sampled form has the same expectation, and
    // the noise of the draw on top, which the few scenes of a step here do not average out.
    const { head, trainable } = policy;
    const options = { divergence: { kind: "reverse-kl" }, head, trainable, teacher: scored } as const;
    const { value, grads } = tf.variableGrads(() => {
      const result = divergenceThroughHead(policy.completionStates(rollouts, { features }), options);
      held.push(result);
      return result.loss;
    }, Object.values(trainable));
    held.push(value);
    const gradients = Object.fromEntries(Object.entries(trainable).map(([name, { name: id }]) => [name, grads[id]!]));
    return { gradients, divergence: (await value.data())[0]!, tokens: scored.states.shape[0] };
  } finally {
    for (const each of held) each.dispose();
  }
}
