/** Columns and rows of a glyph. */
export const glyphWidth = 5;
export const glyphHeight = 7;

// One row of five cells after the other; `#` is ink.
const glyphs = [
  ".###. #...# #..## #.#.# ##..# #...# .###.",
  "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
  ".###. #...# ....# ..##. .#... #.... #####",
  "####. ....# ....# .###. ....# ....# ####.",
  "#..#. #..#. #..#. ##### ...#. ...#. ...#.",
  "##### #.... ####. ....# ....# #...# .###.",
  "..##. .#... #.... ####. #...# #...# .###.",
  "##### #...# ...#. ..#.. ..#.. .#... .#...",
  ".###. #...# #...# .###. #...# #...# .###.",
  ".###. #...# #...# .#### ....# ...#. .##..",
].map((rows) => rows.replaceAll(" ", ""));

/** Whether the glyph of a digit (0 to 9) has ink in a cell, `0 <= column < 5`, `0 <= row < 7`. */
export function hasInk(digit: number, column: number, row: number): boolean {
  return glyphs[digit]![row * glyphWidth + column] === "#";
}
