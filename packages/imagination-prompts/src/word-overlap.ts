import { ImagineOpdError } from "@imagine-opd/protocol";
import { renderTemplate } from "./prompt-template.ts";
import { promptTemplates } from "./prompt-templates.ts";

export interface ExampleCopyOptions {
  /** The worked example of the prompt. @default the example of `promptTemplates` */
  readonly example?: string;
  /** Words in an n-gram. @default 5 */
  readonly n?: number;
}

/**
 * Share of a text's word n-grams that also stand in the worked example, 0 to 1; 0 for a text of fewer than `n` words.
 * @throws invalid-argument when `n` is not a positive integer
 */
export function exampleCopyRate(text: string, options: ExampleCopyOptions = {}): number {
  const { example = renderTemplate(promptTemplates, "example"), n = 5 } = options;
  const known = new Set(wordGrams(example, n, "exampleCopyRate"));
  const grams = wordGrams(text, n, "exampleCopyRate");
  return grams.length === 0 ? 0 : grams.filter((gram) => known.has(gram)).length / grams.length;
}

export interface RepetitionOptions {
  /** Words in an n-gram. @default 4 */
  readonly n?: number;
}

/**
 * Share of a text's word n-grams that occurred before in it: 1 − distinct / all, 0 to 1; 0 for fewer than `n` words.
 * @throws invalid-argument when `n` is not a positive integer
 */
export function repetitionRate(text: string, options: RepetitionOptions = {}): number {
  const grams = wordGrams(text, options.n ?? 4, "repetitionRate");
  return grams.length === 0 ? 0 : 1 - new Set(grams).size / grams.length;
}

/** Runs of `n` words, lower case, punctuation left out. */
function wordGrams(text: string, n: number, caller: string): string[] {
  if (!Number.isInteger(n) || n < 1) {
    throw new ImagineOpdError("invalid-argument", {
      where: `imagination-prompts.${caller}`,
      problem: `n must be a positive integer, got ${n}.`,
    });
  }
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? [];
  const count = Math.max(0, words.length - n + 1);
  return Array.from({ length: count }, (_, first) => words.slice(first, first + n).join(" "));
}
