import * as tf from "@tensorflow/tfjs-core";
import type { ProbeCase } from "../probe-case.ts";
import { multiply } from "../reference/blocks.ts";
import { transpose } from "../reference/layout.ts";
import { mapRows, type Numbers, waves } from "../reference/numbers.ts";

type Sizes = readonly [m: number, k: number, n: number];

/** `batch` products of `[m, k] · [k, n]`, each operand stored as it is or transposed. */
function product(
  batch: number,
  sizes: Sizes,
  transposeA: boolean,
  transposeB: boolean,
  gradient: ProbeCase["gradient"],
) {
  const [m, k, n] = sizes;
  const lead = batch === 1 ? [] : [batch];
  const stored = `${transposeA ? "t" : "n"}${transposeB ? "t" : "n"}`;
  return {
    op: `matMul ${batch === 1 ? "" : `${batch} × `}[${m}, ${k}] · [${k}, ${n}], ${stored}`,
    inputs: [
      waves([...lead, ...(transposeA ? [k, m] : [m, k])]),
      waves([...lead, ...(transposeB ? [n, k] : [k, n])], 1),
    ],
    run: (a, b) => tf.matMul(a!, b!, transposeA, transposeB),
    reference: (a, b) =>
      mapRows(a!, m * k, (left, i) => {
        const right: Numbers = b!.subarray(i * k * n, (i + 1) * k * n);
        return multiply(transposeA ? transpose(left, k, m) : left, transposeB ? transpose(right, n, k) : right, sizes);
      }),
    gradient,
  } satisfies ProbeCase;
}

const storages = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/** Products in every way that the passes store their operands; odd sizes leave remainders in every tile. */
export const matrixProducts: readonly ProbeCase[] = [
  ...storages.map(([a, b]) => product(1, [7, 5, 11], a, b, "needed")),
  ...storages.map(([a, b]) => product(3, [2, 5, 3], a, b, "needed")),
  ...storages.map(([a, b]) => product(1, [37, 70, 67], a, b, "not needed")),
  product(1, [1, 70, 67], false, true, "not needed"),
  product(6, [17, 34, 19], false, true, "not needed"),
];
