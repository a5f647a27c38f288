import { openUrl } from "@imagine-opd/host/browser";
import { promptTemplates } from "@imagine-opd/imagination-prompts";
import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource, FileSource } from "@imagine-opd/protocol";
import { type CropOptions, cropRegions } from "@imagine-opd/region-cropper";
import { generateScene, type Scene } from "@imagine-opd/region-datasets";
import { createTrainer, presets, type StepResult, type Trainer } from "@imagine-opd/trainer";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { chooseCrop } from "../apps/command-line/src/choose-crop.ts";
import { signPrompts } from "../apps/train-node/src/scenes/sign-scenes.ts";
import { concludeAnswer, describeEvidence } from "../apps/train-node/src/scenes/sign-words.ts";
import { replayRollouts } from "./replay-rollouts.ts";

/** The trained tiny SmolVLM of the training program, 0.7 million weights; the root of the test server is the repository. */
const openBaseModel = (): FileSource =>
  openUrl(new URL("/apps/train-node/base-model/", globalThis.location.origin).href, [
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);

const scenes: readonly Scene[] = Array.from({ length: 4 }, (_, index) => generateScene(3, index));

const cutExamples = (crop: CropOptions): ExampleSource => ({
  size: scenes.length,
  fingerprint: "four scenes",
  load: async (index): Promise<Example> => {
    const { image, question, answer, boxes } = scenes[index]!;
    const regions = boxes.map(
      ({ left, top, right, bottom }) => ({ box: [left, top, right, bottom], space: "pixel" }) as const,
    );
    const { views } = cropRegions(image, regions, crop);
    return { id: `scene-${index}`, images: [image], question, answer, views: views.map((view) => view.image) };
  },
});

/** A run on four scenes with their explanations as rollouts, and all that it holds. */
export interface SceneRun {
  readonly model: VisionLanguageModel;
  readonly trainer: Trainer;
  dispose(): void;
}

/**
 * Opens a run that any backend repeats: reverse KL from a teacher that sees the views and the answer, full weights, four
 * sequences a step, two micro-batches.
 */
export async function openSceneRun(): Promise<SceneRun> {
  const model = await openModel(openBaseModel(), { trainable: { kind: "full", vision: "trainable" } });
  const { processor } = model;
  const said = new Map(
    scenes.map(({ image, asked, answer }) => {
      const { patches } = processor.encode([{ role: "user", content: [{ type: "image", image }] }]);
      const tokens = processor.tokenize(describeEvidence(asked) + concludeAnswer(asked, answer));
      return [patches[0]!.key, Int32Array.of(...tokens, processor.stopTokenIds[0]!)] as const;
    }),
  );
  const policy = replayRollouts(model.policy, ({ patches }) => said.get(patches[0]!.key)!);
  const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  const { settings } = presets["imagine-opd"];
  const trainer = createTrainer({
    policy,
    processor,
    teacher,
    examples: cutExamples(chooseCrop({}, model)),
    settings: {
      ...settings,
      objective: { kind: "opd", divergence: { kind: "reverse-kl" } },
      templates: { ...promptTemplates, ...signPrompts },
      sampling: { ...settings.sampling, maxTokens: 64 },
      batchSize: scenes.length,
      microBatchSize: 2,
      optimiser: { ...settings.optimiser, schedule: { kind: "constant", learningRate: 1e-4 } },
      seed: 0,
    },
  });
  return {
    model,
    trainer,
    dispose() {
      trainer.dispose();
      teacher.dispose();
      model.dispose();
    },
  };
}

/** What a step computed, apart from times and memory. */
export interface Step {
  readonly loss: number;
  readonly gradientNorm: number;
}

export const stepOf = ({ metrics: { optimiser } }: StepResult): Step => ({
  loss: optimiser!.loss!,
  gradientNorm: optimiser!.gradientNorm!,
});
