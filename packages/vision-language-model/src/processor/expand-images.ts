import { ImagineOpdError } from "@imagine-opd/protocol";

const imageMark = "<image>";
const edge = "<fake_token_around_image>";

/** Marks that only the processor may write. A user's text that holds one would shift every image. */
export const reservedMarks: readonly RegExp[] = [
  /<image>/,
  /<fake_token_around_image>/,
  /<global-img>/,
  /<row_\d+_col_\d+>/,
];

/** The text that stands for one picture. */
function imageText(rows: number, columns: number, tokensPerTile: number): string {
  const tokens = imageMark.repeat(tokensPerTile);
  const global = `${edge}<global-img>${tokens}${edge}`;
  if (rows === 0) return global;
  const lines = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => `${edge}<row_${row + 1}_col_${column + 1}>${tokens}`).join(""),
  );
  return `${lines.join("\n")}\n\n${global}`;
}

/**
 * Replaces each `<image>` of a rendered prompt by its placeholder tokens. This happens on text, before tokenising, because
 * the line breaks around the tiles may merge into one token.
 * @throws mismatch when the number of marks and of pictures differ
 */
export function expandImages(
  prompt: string,
  images: readonly { readonly rows: number; readonly columns: number }[],
  tokensPerTile: number,
): string {
  const pieces = prompt.split(imageMark);
  if (pieces.length - 1 !== images.length) {
    throw new ImagineOpdError("mismatch", {
      where: "vision-language-model.encode",
      problem: `the rendered prompt has ${pieces.length - 1} image marks for ${images.length} pictures.`,
      remedy: "Check the chat template: every image part must render as one <image>.",
      details: { marks: pieces.length - 1, images: images.length },
    });
  }
  return pieces
    .map((piece, i) =>
      i === 0 ? piece : imageText(images[i - 1]!.rows, images[i - 1]!.columns, tokensPerTile) + piece,
    )
    .join("");
}
