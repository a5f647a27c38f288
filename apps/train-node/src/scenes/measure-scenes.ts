import type { SceneSource } from "@imagine-opd/command-line";
import { type EvaluationMode, type EvaluationReport, streamEvaluation } from "@imagine-opd/evaluation";
import type { PromptTemplates } from "@imagine-opd/imagination-prompts";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { checkEvidence, type Evidence } from "./sign-words.ts";

/** Tokens of the longest explanation, about two signs, and some room. */
export const maxCompletion = 56;

export interface SceneMeasurement extends EvaluationReport {
  /** Whether each completion's own evidence is true. */
  readonly evidence: readonly Evidence[];
  /** Share of completions that name the right places. */
  readonly locatedRate: number;
  /** Share that say rightly what the signs show. */
  readonly evidenceRate: number;
}

export interface MeasureScenesOptions {
  readonly mode: EvaluationMode;
  /** The prompts that the model was taught. */
  readonly templates: PromptTemplates;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

/** Asks a model about every scene, greedily, and grades its answers and the evidence that it states. */
export async function measureScenes(
  { policy, processor }: Pick<VisionLanguageModel, "policy" | "processor">,
  source: SceneSource,
  { mode, templates, signal, onProgress }: MeasureScenesOptions,
): Promise<SceneMeasurement> {
  const options = { mode, templates, maxTokens: maxCompletion, batchSize: 32, seed: 0 };
  let report: EvaluationReport | undefined;
  for await (const event of streamEvaluation(policy, processor, source, {
    ...options,
    ...(signal && { signal }),
  })) {
    if (event.type === "sample-graded") onProgress?.(event.done);
    else report = event.report;
  }
  const evidence = report!.samples.map(({ text, index }) => checkEvidence(text, source.scene(index).asked));
  const share = (name: keyof Evidence) => evidence.filter((each) => each[name]).length / evidence.length;
  return { ...report!, evidence, locatedRate: share("located"), evidenceRate: share("seen") };
}
