import { ImagineOpdError, type PatchGrid } from "@imagine-opd/protocol";

/** One row of a batch before it is laid out. */
export interface TokenRow {
  readonly tokenIds: Int32Array;
  readonly patches: readonly PatchGrid[];
}

/** Where every position of a padded batch takes its embedding from. */
export interface SequenceLayout {
  readonly batch: number;
  /** Padded length. */
  readonly length: number;
  /** `[B]` pads before each row (0 when pads stand behind). */
  readonly leftPads: Int32Array;
  /** `[B, n]` positions, pads not counted; pads hold 0. */
  readonly positions: Int32Array;
  /** Ids of all text tokens, row by row. */
  readonly textIds: Int32Array;
  /** All pictures without repeats, in order of first use. */
  readonly grids: readonly PatchGrid[];
  /** `[B, n]` rows of the table (text embeddings, then the pictures' features); pads take row 0. */
  readonly source: Int32Array;
}

/**
 * Lays rows out as one padded batch.
 * @param tokensOf number of image tokens of a picture
 * @throws mismatch when placeholders and image tokens of a row differ in number
 */
export function layOutSequences(
  rows: readonly TokenRow[],
  {
    imageTokenId,
    pad,
    tokensOf,
  }: { imageTokenId: number; pad: "left" | "right"; tokensOf: (grid: PatchGrid) => number },
): SequenceLayout {
  const length = Math.max(...rows.map(({ tokenIds }) => tokenIds.length));
  const textIds = rows.flatMap(({ tokenIds }) => Array.from(tokenIds).filter((id) => id !== imageTokenId));
  const grids = [...new Map(rows.flatMap(({ patches }) => patches.map((grid) => [grid.key, grid] as const))).values()];
  const firstRowOf = new Map<string, number>();
  let nextFeature = textIds.length;
  for (const grid of grids) {
    firstRowOf.set(grid.key, nextFeature);
    nextFeature += tokensOf(grid);
  }
  const layout = {
    batch: rows.length,
    length,
    leftPads: Int32Array.from(rows, ({ tokenIds }) => (pad === "left" ? length - tokenIds.length : 0)),
    positions: new Int32Array(rows.length * length),
    textIds: Int32Array.from(textIds),
    grids,
    source: new Int32Array(rows.length * length),
  };
  let nextText = 0;
  rows.forEach(({ tokenIds, patches }, b) => {
    const features = patches.flatMap((grid) =>
      Array.from({ length: tokensOf(grid) }, (_, i) => firstRowOf.get(grid.key)! + i),
    );
    let nextImage = 0;
    tokenIds.forEach((id, i) => {
      const at = b * length + layout.leftPads[b]! + i;
      layout.positions[at] = i;
      layout.source[at] = id === imageTokenId ? (features[nextImage++] ?? 0) : nextText++;
    });
    if (nextImage !== features.length) {
      throw new ImagineOpdError("mismatch", {
        where: "vision-language-model",
        problem: `a sequence has ${nextImage} image placeholders for ${features.length} image tokens.`,
        remedy: "Pass the patches that the processor made with these ids, and no placeholder inside a completion.",
        details: { placeholders: nextImage, imageTokens: features.length },
      });
    }
  });
  return layout;
}

/**
 * Attention bias of a prefill: a token sees itself and what stands before it in its row, never a pad.
 * @returns `[B, n, n]` values (a single `[1, n, n]` block when no row has pads before it)
 */
export function causalBias({ batch, length, leftPads }: SequenceLayout): { values: Float32Array; blocks: number } {
  const blocks = leftPads.some((pads) => pads > 0) ? batch : 1;
  const values = new Float32Array(blocks * length * length);
  for (let b = 0; b < blocks; b++) {
    for (let query = 0; query < length; query++) {
      const row = (b * length + query) * length;
      values.fill(-1e9, row, row + leftPads[b]!);
      values.fill(-1e9, row + query + 1, row + length);
    }
  }
  return { values, blocks };
}
