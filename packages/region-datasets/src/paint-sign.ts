import type { RegionBox } from "@imagine-opd/protocol";
import { glyphHeight, glyphWidth, hasInk } from "./digit-font.ts";
import type { SignColour, SignShape } from "./scene.ts";

/** Plate colours; with what ink a digit stands out on each. */
export const plates: Readonly<Record<SignColour, { rgb: readonly [number, number, number]; ink: "black" | "white" }>> =
  {
    red: { rgb: [205, 40, 40], ink: "white" },
    orange: { rgb: [240, 140, 30], ink: "black" },
    yellow: { rgb: [240, 220, 50], ink: "black" },
    green: { rgb: [40, 150, 60], ink: "white" },
    cyan: { rgb: [70, 215, 225], ink: "black" },
    blue: { rgb: [40, 70, 200], ink: "white" },
    purple: { rgb: [120, 45, 160], ink: "white" },
    pink: { rgb: [245, 150, 190], ink: "black" },
  };

const inkLevels = { black: 20, white: 245 };
const edgeWidth = 2;

/** Where and how one plate is drawn. */
export interface Plate {
  readonly shape: SignShape;
  readonly colour: SignColour;
  readonly rgb: readonly number[];
  readonly digit: number;
  readonly glyphScale: number;
  /** Left and top of the plate's square, pixels. */
  readonly left: number;
  readonly top: number;
  /** Side of that square, pixels. */
  readonly side: number;
  /** Shift of the digit from its usual place, pixels. */
  readonly glyphShift: readonly [number, number];
}

/** Side of the square that a shape needs so that a glyph fits on it; `side` is that of a circle. */
export function plateSide(shape: SignShape, side: number, glyphScale: number, most: number): number {
  const roomy = 12 * glyphScale + 2;
  const wanted = { circle: side, square: 0.92 * side, diamond: Math.max(1.15 * side, roomy), triangle: 1.2 * side };
  return Math.min(Math.round(wanted[shape]), most);
}

/** Distance of a point from the shape's outline, negative outside; `u` and `v` run from -1 to 1 over the square. */
function depth(shape: SignShape, u: number, v: number): number {
  switch (shape) {
    case "circle":
      return 1 - Math.hypot(u, v);
    case "square":
      return 1 - Math.max(Math.abs(u), Math.abs(v));
    case "diamond":
      return (1 - Math.abs(u) - Math.abs(v)) / Math.SQRT2;
    case "triangle":
      return Math.min(((1 + v) / 2 - Math.abs(u)) / Math.hypot(1, 0.5), 1 - v);
  }
}

/** Draws the plate with its edge and its digit; gives the exact box of the pixels that the plate covers. */
export function paintSign(data: Uint8ClampedArray, size: number, plate: Plate): RegionBox {
  const { shape, rgb, left, top, side } = plate;
  const edge = rgb.map((channel) => channel * 0.55);
  let box: RegionBox = { left: size, top: size, right: 0, bottom: 0 };
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const inside = depth(shape, (2 * x + 1) / side - 1, (2 * y + 1) / side - 1);
      if (inside < 0) continue;
      data.set(inside * side < 2 * edgeWidth ? edge : rgb, 3 * ((top + y) * size + left + x));
      box = {
        left: Math.min(box.left, left + x),
        top: Math.min(box.top, top + y),
        right: Math.max(box.right, left + x + 1),
        bottom: Math.max(box.bottom, top + y + 1),
      };
    }
  }
  paintDigit(data, size, plate);
  return box;
}

function paintDigit(data: Uint8ClampedArray, size: number, plate: Plate): void {
  const { colour, shape, digit, glyphScale: scale, left, top, side, glyphShift } = plate;
  const level = inkLevels[plates[colour].ink];
  const middle = shape === "triangle" ? 0.68 : 0.5;
  const x0 = Math.round(left + side / 2 - (glyphWidth * scale) / 2) + glyphShift[0];
  const y0 = Math.round(top + side * middle - (glyphHeight * scale) / 2) + glyphShift[1];
  for (let y = 0; y < glyphHeight * scale; y++) {
    for (let x = 0; x < glyphWidth * scale; x++) {
      if (!hasInk(digit, Math.floor(x / scale), Math.floor(y / scale))) continue;
      data.fill(level, 3 * ((y0 + y) * size + x0 + x), 3 * ((y0 + y) * size + x0 + x + 1));
    }
  }
}
