import {
  compareContexts,
  pairContexts,
  studentPrompt,
  type Teacher,
  teacherPrompt,
} from "@imagine-opd/privileged-teacher";
import type { ExampleSource } from "@imagine-opd/protocol";
import { sampleRollouts } from "@imagine-opd/rollout-sampler";
import type { TrainSettings } from "@imagine-opd/trainer";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";

/** Examples that are asked and compared together. */
const batchSize = 32;

/**
 * Mean KL(student‖teacher) of a completion, nats, over the first `count` examples: of the student's own completions at the
 * training's temperature, summed over their tokens. The teacher sees the examples' views, whatever it was shown in training.
 */
export async function measureDistance(
  { policy, processor }: Pick<VisionLanguageModel, "policy" | "processor">,
  teacher: Teacher,
  source: ExampleSource,
  options: { readonly count: number; readonly settings: TrainSettings; readonly signal: AbortSignal },
): Promise<number> {
  const { settings, signal } = options;
  const { sampling, imagination, templates } = settings;
  const count = Math.min(options.count, source.size);
  let sum = 0;
  for (let from = 0; from < count; from += batchSize) {
    const indices = Array.from({ length: Math.min(batchSize, count - from) }, (_, i) => from + i);
    const examples = await Promise.all(indices.map((index) => source.load(index)));
    const wording = templates && { templates };
    const prompts = examples.map((example) => studentPrompt(processor, example, { imagination, ...wording }));
    const rollouts = await sampleRollouts(
      policy,
      prompts.map((prompt, i) => ({ recordId: examples[i]!.id, prompt })),
      {
        stopTokenIds: processor.stopTokenIds,
        bannedTokenIds: processor.placeholderTokenIds,
        tokenLimit: processor.tokenCount,
        maxTokens: sampling.maxTokens,
        temperature: sampling.temperature,
        seed: settings.seed,
        signal,
      },
    );
    const reveal = { evidence: true, groundTruth: false };
    const teachers = examples.map((example) => teacherPrompt(processor, example, { reveal, ...wording }));
    const sequences = rollouts.map(({ prompt, completion }) => ({ prompt, completion }));
    const { placeholderTokenIds } = processor;
    const paired = pairContexts(rollouts, teachers, { placeholderTokenIds, contextLength: policy.contextLength });
    const { values } = await compareContexts({ policy, sequences }, teacher, paired, {
      temperature: sampling.temperature,
      banned: Int32Array.from(placeholderTokenIds),
    });
    sum += values.reduce((total, value) => total + value, 0);
  }
  return sum / count;
}
