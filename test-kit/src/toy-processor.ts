import type { Message, PatchGrid, Processor, RgbImage } from "@imagine-opd/protocol";

/** A picture of one colour. */
export function plainImage(shade: number, side = 2): RgbImage {
  return { width: side, height: side, data: new Uint8Array(3 * side * side).fill(shade) };
}

/**
 * A processor for the toy policy: words hash to the ids from 2, id 0 stands for a picture, id 1 ends a completion.
 * Decoding spells ids out (`w5 w9`), so that texts are readable in failures.
 */
export function createToyProcessor(vocabSize: number): Processor {
  const idOf = (word: string): number => {
    let hash = 7;
    for (const letter of word) hash = (hash * 31 + letter.codePointAt(0)!) % 1000003;
    return 2 + (hash % (vocabSize - 2));
  };
  const toPatch = ({ data, width, height }: RgbImage): PatchGrid => ({
    key: `${width}x${height}:${data.join()}`,
    values: Float32Array.from(data, (byte) => byte / 127.5 - 1),
    grid: [1, height, width],
  });
  return {
    encode(messages: readonly Message[]) {
      const tokenIds: number[] = [];
      const patches: PatchGrid[] = [];
      for (const part of messages.flatMap(({ content }) => content)) {
        if (part.type === "image") {
          tokenIds.push(0);
          patches.push(toPatch(part.image));
        } else tokenIds.push(...part.text.split(/\s+/).filter(Boolean).map(idOf));
      }
      return { tokenIds: Int32Array.from(tokenIds), patches };
    },
    decode: (ids) =>
      Array.from(ids)
        .filter((id) => id > 1)
        .map((id) => `w${id}`)
        .join(" "),
    stopTokenIds: [1],
    placeholderTokenIds: [0],
    tokenCount: vocabSize,
    fingerprint: `toy-${vocabSize}`,
  };
}
