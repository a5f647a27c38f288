import { ImagineOpdError } from "@imagine-opd/protocol";
import { type Choice, chooseOption } from "./choose-option.ts";
import { normalizeAnswer } from "./normalize-answer.ts";

/** What the right answer is. */
export interface ReferenceAnswer {
  readonly text: string;
  /** Other texts that are right as well. */
  readonly aliases?: readonly string[];
  /** The options, for multiple choice; then `key` is needed too. */
  readonly choices?: readonly Choice[];
  /** Key of the right option. */
  readonly key?: string;
}

/** What a grader says about one answer. */
export interface Grade {
  readonly correct: boolean;
  /** Whether an answer could be read at all; an unreadable one is wrong. */
  readonly parsed: boolean;
}

/**
 * Grades what stands in the answer tag. Free answers are right when they equal the text or an alias after
 * normalisation; with options the answer must mean the right one, by its key or its text, and one that means none or
 * several counts as unreadable.
 * @param predicted content of the answer tag; `undefined` when there was none
 * @throws invalid-argument when the reference has no text, or options without the right key
 */
export function gradeAnswer(predicted: string | undefined, reference: ReferenceAnswer): Grade {
  const { text, aliases = [], choices, key } = reference;
  if (text.trim() === "") throw badReference("has no text");
  if (choices !== undefined && !choices.some((choice) => choice.key === key)) {
    throw badReference(`has the key ${JSON.stringify(key) ?? "undefined"}, which is not among its options`);
  }
  if (predicted === undefined || predicted.trim() === "") return { correct: false, parsed: false };
  if (choices !== undefined) {
    const chosen = chooseOption(predicted, choices);
    return { correct: chosen !== undefined && chosen === key, parsed: chosen !== undefined };
  }
  const answer = normalizeAnswer(predicted);
  const correct = [text, ...aliases].some((right) => normalizeAnswer(right) === answer);
  return { correct, parsed: correct || /[\p{L}\p{N}]/u.test(answer) };
}

function badReference(problem: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "evaluation.gradeAnswer",
    problem: `the reference ${problem}.`,
    remedy: "Leave records without a usable answer out of the evaluation set.",
  });
}
