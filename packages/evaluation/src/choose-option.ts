import { normalizeAnswer } from "./normalize-answer.ts";

/** One option of a multiple-choice question. */
export interface Choice {
  /** Usually a letter. */
  readonly key: string;
  readonly text: string;
}

const negation = /\b(?:not|no|neither|nor|none|except|without)\b|n['’]t\b/i;

/**
 * The key of the option that an answer means, or `undefined` when it means none or several. In this order: the key alone
 * (`B`, `(b)`, `B.`); an option's text alone; a key before a mark, alone or with its own option's text (`B. red`); keys in
 * brackets or after a word such as `option`; one option's text as whole words in a sentence without a negation. A letter
 * counts as a whole token only, and a bare `A` in a sentence is an article.
 */
export function chooseOption(predicted: string, choices: readonly Choice[]): string | undefined {
  const text = predicted.trim();
  const keyOf = (spelling: string | undefined) =>
    choices.find(({ key }) => key.toLowerCase() === spelling?.toLowerCase())?.key;
  const alone = keyOf(/^\(?\s*([\p{L}\p{N}]+)\s*[).:]*$/u.exec(text)?.[1]);
  return (
    alone ?? exactText(text, choices) ?? leadingKey(text, choices, keyOf) ?? markedOrContained(text, choices, keyOf)
  );
}

type KeyOf = (spelling: string | undefined) => string | undefined;

function exactText(text: string, choices: readonly Choice[]): string | undefined {
  const normal = normalizeAnswer(text);
  return only(choices.filter((choice) => normalizeAnswer(choice.text) === normal).map(({ key }) => key));
}

/** `B. red`, `(B) red`, `B: because …`; contradictory when the rest is the text of another option. */
function leadingKey(text: string, choices: readonly Choice[], keyOf: KeyOf): string | undefined {
  const match = /^(?:\(\s*([\p{L}\p{N}]+)\s*\)|([\p{L}\p{N}]+)\s*[).:])\s*(.+)$/su.exec(text);
  const key = keyOf(match?.[1] ?? match?.[2]);
  if (key === undefined) return undefined;
  const named = exactText(match![3]!, choices);
  return named === undefined || named === key ? key : undefined;
}

function markedOrContained(text: string, choices: readonly Choice[], keyOf: KeyOf): string | undefined {
  const marked = [
    ...text.matchAll(
      /\(([\p{L}\p{N}]+)\)|\b(?:option|choice|answer(?:\s+is)?|letter)[\s:]+([A-Z])(?![\p{L}\p{N}'’])/gu,
    ),
  ];
  const keys = marked.flatMap((match) => keyOf(match[1] ?? match[2]) ?? []);
  if (keys.length > 0) return only(keys);
  return negation.test(text) ? undefined : only(containedOptions(text, choices));
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
