import { normalizeAnswer } from "./normalize-answer.ts";

/** One option of a multiple-choice question. */
export interface Choice {
  /** Usually a letter. */
  readonly key: string;
  readonly text: string;
}

const negation = /\b(?:not|no|neither|nor|none|except|without)\b|n['’]t\b/i;
const markedKey =
  /\(\s*([\p{L}\p{N}]+)\s*\)|\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer(?:\s+is)?|[Ll]etter)[\s:]+([A-Z])(?![\p{L}\p{N}'’])/gu;

/**
 * The key of the option that an answer means, or `undefined` when it means none or several. In this order: the key alone
 * (`B`, `(b)`, `B.`); an option's text alone; keys that are marked as such (`B. red`, `B: because …`, `(B)`, `option B`),
 * if they all agree with each other and with an option's text behind the first; one option's text as whole words in a
 * sentence without a negation. A letter counts as a whole token only, and a bare `A` in a sentence is an article.
 */
export function chooseOption(predicted: string, choices: readonly Choice[]): string | undefined {
  const text = predicted.trim();
  const keyOf = (spelling: string | undefined) =>
    choices.find(({ key }) => key.toLowerCase() === spelling?.toLowerCase())?.key;
  const alone = keyOf(/^\(?\s*([\p{L}\p{N}]+)\s*[).:]*$/u.exec(text)?.[1]) ?? exactText(text, choices);
  if (alone !== undefined) return alone;

  const [, first, rest = ""] = /^\(?\s*([\p{L}\p{N}]+)\s*[).:]+\s*(.+)$/su.exec(text) ?? [];
  const marks = [...text.matchAll(markedKey)].map(([, bracketed, named]) => bracketed ?? named);
  const keys = [first, ...marks].flatMap((spelling) => keyOf(spelling) ?? []);
  if (keys.length > 0) return only([...keys, exactText(rest, choices) ?? keys[0]!]);
  return negation.test(text) ? undefined : only(containedOptions(text, choices));
}

function exactText(text: string, choices: readonly Choice[]): string | undefined {
  const normal = normalizeAnswer(text);
  return only(choices.filter((choice) => normalizeAnswer(choice.text) === normal).map(({ key }) => key));
}

/** Options whose text occurs as whole words, longer texts first: `dark red` hides `red`. */
function containedOptions(text: string, choices: readonly Choice[]): string[] {
  let rest = ` ${normalizeAnswer(text)} `;
  return choices
    .map(({ key, text: option }) => ({ key, words: ` ${normalizeAnswer(option)} ` }))
    .filter(({ words }) => words.trim() !== "")
    .sort((a, b) => b.words.length - a.words.length)
    .flatMap(({ key, words }) => {
      if (!rest.includes(words)) return [];
      rest = rest.replaceAll(words, " | ");
      return [key];
    });
}

function only(keys: readonly string[]): string | undefined {
  return new Set(keys).size === 1 ? keys[0] : undefined;
}
