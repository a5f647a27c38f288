/** A byte-level BPE vocabulary: the 256 bytes, then one entry a merge. */
export interface BytePairVocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
}

/** GPT-2's printable stand-ins for the 256 bytes (Radford et al. 2019): printable ones stand for themselves. */
export function byteLetters(): readonly string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

/** GPT-2's pattern after digits were split off: contractions, words, punctuation, spaces. */
const pieces = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

function countWords(corpus: readonly string[]): Map<string, number> {
  const letters = byteLetters();
  const encoder = new TextEncoder();
  const counts = new Map<string, number>();
  for (const part of corpus.flatMap((text) => text.split(/\p{N}/u))) {
    for (const [piece] of part.matchAll(pieces)) {
      const word = Array.from(encoder.encode(piece), (byte) => letters[byte]!).join("");
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

type Word = { parts: string[]; count: number };

function mostFrequentPair(words: readonly Word[]): readonly [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { parts, count } of words) {
    for (let i = 0; i + 1 < parts.length; i++) {
      const pair = `${parts[i]} ${parts[i + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  // Ties go to the pair that sorts first, so that the vocabulary depends on the corpus alone.
  const best = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0];
  return best && (best[0].split(" ") as [string, string]);
}

function merge({ parts, count }: Word, [left, right]: readonly [string, string]): Word {
  const merged: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === left && parts[i + 1] === right) {
      merged.push(left + right);
      i += 1;
    } else merged.push(parts[i]!);
  }
  return { parts: merged, count };
}

/**
 * Trains a byte-level BPE until every word of the corpus is one token (Sennrich et al., arXiv 1508.07909). Digits stay
 * single, any other text falls back to smaller pieces and in the end to bytes.
 */
export function trainByteLevelBpe(corpus: readonly string[]): BytePairVocabulary {
  let words: Word[] = [...countWords(corpus)].map(([word, count]) => ({ parts: [...word], count }));
  const merges: (readonly [string, string])[] = [];
  const tokens = new Set(byteLetters());
  for (let pair = mostFrequentPair(words); pair !== undefined; pair = mostFrequentPair(words)) {
    merges.push(pair);
    tokens.add(pair[0] + pair[1]);
    words = words.map((word) => merge(word, pair!));
  }
  return { tokens: [...tokens], merges };
}
