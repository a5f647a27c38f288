import { type EncodedPrompt, ImagineOpdError, type Rollout } from "@imagine-opd/protocol";
import type { ScoredSequence } from "@imagine-opd/protocol/policy";
import { checkAssistantPrefix } from "./assistant-boundary.ts";

export interface PairContextsOptions {
  /** Ids that stand for image features; none may be in a completion (`Processor.placeholderTokenIds`). */
  readonly placeholderTokenIds: readonly number[];
  /** Longest prompt and completion together, tokens (`Policy.contextLength`). */
  readonly contextLength: number;
  /**
   * `shared`: the teacher's pictures begin with the student's, which finds a prompt of another record.
   * `swapped`: they need not, for arms in which views replace the original.
   * @default "shared"
   */
  readonly pictures?: "shared" | "swapped";
  /**
   * Ids with which both prompts must end (`findAssistantPrefix`), so that the completion begins at the same place in the
   * same turn. @default not checked
   */
  readonly assistantPrefix?: Int32Array;
}

const where = "privileged-teacher.pairContexts";

/**
 * The student's completions behind the teacher's prompts, one each: the ids are copied, never decoded and tokenised
 * again, and nothing is ever cut.
 * @throws mismatch when counts differ, when a completion holds a placeholder, when a prompt has another record's pictures,
 * or when one does not end with the assistant's header; limit-exceeded, with the lengths of every record that is too long
 */
export function pairContexts(
  students: readonly Rollout[],
  teacherPrompts: readonly EncodedPrompt[],
  options: PairContextsOptions,
): ScoredSequence[] {
  const { placeholderTokenIds, contextLength, pictures = "shared", assistantPrefix } = options;
  if (students.length !== teacherPrompts.length) {
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `expected one teacher prompt for each of ${students.length} rollouts, got ${teacherPrompts.length}.`,
      remedy: "Repeat the prompt for every rollout of a record.",
    });
  }
  const pairs = students.map((rollout, index) => ({ rollout, prompt: teacherPrompts[index]! }));
  for (const { rollout, prompt } of pairs) {
    checkNoPlaceholder(rollout, placeholderTokenIds);
    if (pictures === "shared") checkPictures(rollout, prompt);
    if (assistantPrefix !== undefined) {
      const at = { where, recordId: rollout.recordId };
      checkAssistantPrefix(rollout.prompt, assistantPrefix, { ...at, whose: "student" });
      checkAssistantPrefix(prompt, assistantPrefix, { ...at, whose: "teacher" });
    }
  }
  checkLengths(pairs, contextLength);
  return pairs.map(({ rollout, prompt }) => ({ prompt, completion: rollout.completion.slice() }));
}

function checkNoPlaceholder({ recordId, completion }: Rollout, placeholderTokenIds: readonly number[]): void {
  const position = completion.findIndex((id) => placeholderTokenIds.includes(id));
  if (position < 0) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem: `the completion of record "${recordId}" holds the image placeholder ${completion[position]} at ${position}.`,
    remedy: "Ban placeholder ids at sampling.",
    details: { recordId, position, id: completion[position] },
  });
}

function checkPictures({ recordId, prompt }: Rollout, teacherPrompt: EncodedPrompt): void {
  const position = prompt.patches.findIndex(({ key }, index) => key !== teacherPrompt.patches[index]?.key);
  if (position < 0) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem: `picture ${position} of the student's prompt of record "${recordId}" is not picture ${position} of its teacher prompt.`,
    remedy: 'Give the prompts in the order of the rollouts; if views replace the original, say pictures: "swapped".',
    details: { recordId, position },
  });
}

function checkLengths(pairs: readonly { rollout: Rollout; prompt: EncodedPrompt }[], contextLength: number): void {
  const tooLong = pairs
    .map(({ rollout, prompt }) => ({
      recordId: rollout.recordId,
      prompt: prompt.tokenIds.length,
      completion: rollout.completion.length,
    }))
    .filter(({ prompt, completion }) => prompt + completion > contextLength);
  if (tooLong.length === 0) return;
  const list = tooLong.map(({ recordId, prompt, completion }) => `"${recordId}" ${prompt} + ${completion}`);
  throw new ImagineOpdError("limit-exceeded", {
    where,
    problem: `prompt and completion exceed ${contextLength} tokens in ${tooLong.length} of ${pairs.length} contexts: ${list.join(", ")}.`,
    remedy: "Reveal fewer or smaller views for these records, or leave them out; nothing is truncated.",
    details: { contextLength, tooLong },
  });
}
