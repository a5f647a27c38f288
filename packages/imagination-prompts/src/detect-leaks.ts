/** A phrase that a student could only have from privileged material. */
export interface Leak {
  readonly kind: "other-image" | "provided-view" | "given-answer" | "coordinates";
  readonly phrase: string;
  /** First UTF-16 code unit. */
  readonly start: number;
}

export interface DetectLeaksOptions {
  /** Pictures that the student itself was shown: speaking of that many is no leak. @default 1 */
  readonly imageCount?: number;
}

const picture = "(?:image|picture|photo|view|crop)";
const numberWords = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const ordinalWords = ["zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];

// Mentions of picture number n, or of n pictures: group 1 is n.
const numbered = [
  new RegExp(`\\b(${ordinalWords.slice(1).join("|")}|\\d+(?:st|nd|rd|th)) (?:[\\w-]+ )?${picture}\\b`, "gi"),
  new RegExp(`\\b${picture}s? ?(?:#|no\\.? ?|number )?(\\d+)\\b`, "gi"),
  new RegExp(`\\b(both|${numberWords.slice(2).join("|")}|\\d+)(?: of the)? (?:[\\w-]+ )?${picture}s\\b`, "gi"),
];
const otherPictures = new RegExp(
  `\\b(?:other|another|additional|extra|further|remaining) (?:[\\w-]+ )?${picture}s?\\b`,
  "gi",
);

const phrases: readonly (readonly [Leak["kind"], RegExp])[] = [
  [
    "provided-view",
    /\b(?:provided|given|attached|supplied|supporting|accompanying) (?:[\w-]+ )?(?:view|crop|close-up)s?\b/gi,
  ],
  [
    "provided-view",
    /\b(?:views?|crops?|close-ups?) (?:(?:that |which )?(?:is |are |was |were ))?(?:provided|given|attached|supplied)\b/gi,
  ],
  ["provided-view", /\b(?:cropped|enlarged|zoomed(?:-in)?|close-up) (?:images|pictures|photos|views|crops)\b/gi],
  [
    "given-answer",
    /\b(?:given|provided|supplied|labell?ed|reference|known|expected) (?:correct )?(?:answer|solution|attempt)\b/gi,
  ],
  ["given-answer", /\bground[- ]truth\b/gi],
  [
    "given-answer",
    /\b(?:answer|solution|attempt) (?:(?:that |which )?(?:is|was|has been) )(?:given|provided|supplied|labell?ed)\b(?! by)/gi,
  ],
  [
    "given-answer",
    /\b(?:since|because|given that|knowing(?: that)?) the (?:correct |right )?answer (?:is|must be)\b/gi,
  ],
  ["coordinates", /[[(]\s*\d+(?:\.\d+)?\s*,\s*\d+(?:\.\d+)?(?:\s*,\s*\d+(?:\.\d+)?\s*,\s*\d+(?:\.\d+)?)?\s*[\])]/g],
  ["coordinates", /\b(?:bounding box(?:es)?|bbox(?:es)?|coordinates?|[xy][12]? ?= ?\d+(?:\.\d+)?)\b/gi],
];

/**
 * Mentions of another image, of a provided view, of a given answer and of coordinates, in the order of the text. Cue
 * words, not understanding: "the second picture on the wall" counts, a paraphrase may not.
 */
export function detectLeaks(text: string, options: DetectLeaksOptions = {}): Leak[] {
  const { imageCount = 1 } = options;
  const leaks: Leak[] = [];
  const add = (kind: Leak["kind"], { 0: phrase, index: start }: RegExpExecArray): void => {
    const overlaps = leaks.some(
      (leak) => start < leak.start + leak.phrase.length && leak.start < start + phrase.length,
    );
    if (!overlaps) leaks.push({ kind, phrase, start });
  };
  for (const pattern of numbered) {
    for (const match of text.matchAll(pattern)) if (readNumber(match[1]!) > imageCount) add("other-image", match);
  }
  if (imageCount === 1) for (const match of text.matchAll(otherPictures)) add("other-image", match);
  for (const [kind, pattern] of phrases) for (const match of text.matchAll(pattern)) add(kind, match);
  return leaks.sort((left, right) => left.start - right.start);
}

function readNumber(word: string): number {
  const lower = word.toLowerCase();
  if (lower === "both") return 2;
  const digits = Number.parseInt(lower, 10);
  return Number.isNaN(digits) ? Math.max(numberWords.indexOf(lower), ordinalWords.indexOf(lower)) : digits;
}
