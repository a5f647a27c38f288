const articles = new Set(["a", "an", "the"]);

const numberWords = new Map(
  (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
    "eighteen nineteen twenty"
  )
    .split(" ")
    .map((word, value) => [word, String(value)]),
);

/**
 * A short answer in the form in which answers are compared: lower case, without articles and punctuation, number words up
 * to twenty as digits, single spaces. A decimal point, a minus sign before a number and `%` stay, because they change the
 * meaning; commas inside a number go. What would vanish altogether (the letter `a`, a lone `+`) stays as it is.
 */
export function normalizeAnswer(text: string): string {
  const plain = text.normalize("NFKC").toLowerCase().trim();
  const words = plain
    .replace(/(?<=\d),(?=\d{3}(?!\d))/g, "")
    .replace(/['’]/g, "")
    .replace(/(?<![\p{L}\p{N}])[-−](?=\d)/gu, " minus ")
    .replace(/(?<=\d)\.(?=\d)/g, " point ")
    .replace(/\s*%/g, " percent ")
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, " ")
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => numberWords.get(word) ?? word);
  const telling = words.filter((word) => !articles.has(word));
  return (telling.length > 0 ? telling : words).join(" ") || plain;
}
