import { type EvaluationMode, type EvaluationReport, streamEvaluation } from "@imagine-opd/evaluation";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { quietTemplates, type SceneSource } from "./scene-source.ts";
import { checkEvidence } from "./sign-words.ts";

/** Tokens of the longest explanation, about two signs, and some room. */
export const maxCompletion = 56;

export interface SceneMeasurement extends EvaluationReport {
  /** Share of completions that name the right places. */
  readonly located: number;
  /** Share that say rightly what the signs show. */
  readonly seen: number;
}

/** Asks a model about every scene, greedily, and grades its answers and the evidence that it states. */
export async function measureScenes(
  { policy, processor }: Pick<VisionLanguageModel, "policy" | "processor">,
  source: SceneSource,
  options: {
    readonly mode: EvaluationMode;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number) => void;
  },
): Promise<SceneMeasurement> {
  const { mode, signal, onProgress } = options;
  let report: EvaluationReport | undefined;
  for await (const event of streamEvaluation(policy, processor, source, {
    mode,
    templates: quietTemplates,
    maxTokens: maxCompletion,
    batchSize: 32,
    seed: 0,
    ...(signal && { signal }),
  })) {
    if (event.type === "sample-graded") onProgress?.(event.done);
    else report = event.report;
  }
  const evidence = report!.samples.map(({ text, index }) => checkEvidence(text, source.scene(index).asked));
  const share = (holds: (index: number) => boolean) => evidence.filter((_, i) => holds(i)).length / evidence.length;
  return { ...report!, located: share((i) => evidence[i]!.located), seen: share((i) => evidence[i]!.seen) };
}
