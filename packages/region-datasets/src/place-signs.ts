import { permutation, type RandomStream } from "@imagine-opd/random-streams";
import { glyphHeight } from "./digit-font.ts";
import { type Plate, plateSide, plates } from "./paint-sign.ts";
import { columnWords, rowWords, type Sign, signColours, signShapes } from "./scene.ts";
import { drawBetween, type ResolvedSceneOptions } from "./scene-options.ts";

export type PlacedSign = Plate & Pick<Sign, "row" | "column">;

const cellsAcross = 4;

/** Draws signs of different colours into different cells of a 4x4 grid; each stays inside its cell. */
export function placeSigns(options: ResolvedSceneOptions, stream: RandomStream): PlacedSign[] {
  const { size, signCount, glyphScale } = options;
  const cells = permutation(cellsAcross * cellsAcross, stream);
  const colours = permutation(signColours.length, stream);
  return Array.from({ length: drawBetween(stream, signCount) }, (_, i) => {
    const [column, row] = [cells[i]! % cellsAcross, Math.floor(cells[i]! / cellsAcross)];
    const colour = signColours[colours[i]!]!;
    const shape = signShapes[stream.integer(signShapes.length)]!;
    const scale = drawBetween(stream, glyphScale);
    const cell = size / cellsAcross;
    const side = plateSide(shape, drawCircle(scale, cell, stream), scale, cell - 2);
    return {
      colour,
      shape,
      rgb: plates[colour].rgb.map((channel) => clampByte(channel + stream.integer(29) - 14)),
      digit: stream.integer(10),
      glyphScale: scale,
      left: column * cell + jitter(cell, side, stream),
      top: row * cell + jitter(cell, side, stream),
      side,
      glyphShift: [stream.integer(3) - 1, stream.integer(3) - 1],
      row: rowWords[row]!,
      column: columnWords[column]!,
    };
  });
}

/** Diameter of a circle around a glyph: its height and 14 to 20 pixels, at most 13/16 of the cell. */
function drawCircle(scale: number, cell: number, stream: RandomStream): number {
  const least = glyphHeight * scale + Math.round(3.5 * scale);
  return Math.min(least + stream.integer(7), Math.max(least, Math.floor((cell * 13) / 16)));
}

/** Offset of a plate in its cell: the middle, moved by up to a sixteenth of the cell, kept inside. */
function jitter(cell: number, side: number, stream: RandomStream): number {
  const most = Math.round(cell / 16);
  const moved = Math.round((cell - side) / 2) + stream.integer(2 * most + 1) - most;
  return Math.min(Math.max(moved, 0), cell - side);
}

function clampByte(value: number): number {
  return Math.min(Math.max(value, 0), 255);
}
