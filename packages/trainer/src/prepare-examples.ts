import { type Reveal, studentPrompt, teacherPrompt } from "@imagine-opd/privileged-teacher";
import type { EncodedPrompt, Example, Processor } from "@imagine-opd/protocol";
import type { TrainSettings } from "./settings.ts";

/** An example with its prompts encoded. */
export interface PreparedExample {
  readonly example: Example;
  readonly student: EncodedPrompt;
  /** Absent where the objective has no teacher. */
  readonly teacher?: EncodedPrompt;
}

export interface PreparedBatch {
  readonly prepared: readonly PreparedExample[];
  /** Number of records left out of the step, by reason. */
  readonly dropped: { readonly missingPrivilege: number; readonly longPrompt: number };
}

/** What of the asked for there is to reveal; a blank text is none. */
function revealable(example: Example, { evidence, groundTruth }: Reveal): Reveal {
  const shown = groundTruth === "solution" ? example.solution : example.answer;
  return { evidence: evidence && example.views.length > 0, groundTruth: shown?.trim() ? groundTruth : false };
}

function lacksPrivilege(example: Example, { reveal }: TrainSettings): boolean {
  const { evidence, groundTruth } = revealable(example, reveal);
  return evidence !== reveal.evidence || groundTruth !== reveal.groundTruth;
}

/** Encodes the prompts of a step and leaves out what the settings say. */
export function prepareExamples(
  examples: readonly Example[],
  processor: Processor,
  settings: TrainSettings,
): PreparedBatch {
  const { missingPrivilege, imagination, maxPromptTokens, objective } = settings;
  const wording = settings.templates && { templates: settings.templates };
  const dropped = { missingPrivilege: 0, longPrompt: 0 };
  const prepared: PreparedExample[] = [];
  for (const example of examples) {
    if (objective.kind === "opd" && missingPrivilege === "skip" && lacksPrivilege(example, settings)) {
      dropped.missingPrivilege += 1;
      continue;
    }
    const student = studentPrompt(processor, example, { imagination, ...wording });
    if (student.tokenIds.length > maxPromptTokens) {
      dropped.longPrompt += 1;
      continue;
    }
    if (objective.kind !== "opd") {
      prepared.push({ example, student });
      continue;
    }
    prepared.push({ example, student, teacher: encodeTeacher(example, processor, settings) });
  }
  return { prepared, dropped };
}

/** The teacher's prompt of an example. */
export function encodeTeacher(example: Example, processor: Processor, settings: TrainSettings): EncodedPrompt {
  const { reveal, missingPrivilege, pictures } = settings;
  const wording = settings.templates && { templates: settings.templates };
  const shown = missingPrivilege === "reduce" ? revealable(example, reveal) : reveal;
  if (pictures === "shared" || !shown.evidence || example.views.length === 0) {
    return teacherPrompt(processor, example, { reveal: shown, ...wording });
  }
  const swapped = { ...example, images: example.views, views: [] };
  return teacherPrompt(processor, swapped, { reveal: { ...shown, evidence: false }, ...wording });
}
