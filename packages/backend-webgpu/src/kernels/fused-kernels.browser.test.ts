import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { geluTanh, layerNorm, linear, rmsNorm, rotary, swiGlu } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, it } from "vitest";
import { expectClose, expectParity, onWebgpu, type ParityCase, startWebgpu, take, tensor } from "../../test/parity.ts";

const four = (x: tf.Tensor | undefined) => x as tf.Tensor4D;

const rowCases = [
  [1, 1],
  [17, 24],
  [65, 130],
].flatMap(([rows, columns]): ParityCase[] => [
  {
    name: `rmsNorm [${rows}, ${columns}]`,
    shapes: [[rows!, columns!], [columns!]],
    op: (x, w) => rmsNorm(x!, w!, 1e-3),
  },
  {
    name: `layerNorm [${rows}, ${columns}]`,
    shapes: [[rows!, columns!], [columns!], [columns!]],
    op: (x, w, b) => layerNorm(x!, w!, b!, 1e-3),
  },
  { name: `geluTanh [${rows}, ${columns}]`, shapes: [[rows!, columns!]], spread: 8, op: (x) => geluTanh(x!) },
  {
    name: `swiGlu [${rows}, ${columns}]`,
    shapes: [
      [rows!, columns!],
      [rows!, columns!],
    ],
    spread: 4,
    op: (gate, up) => swiGlu(gate!, up!),
  },
  {
    name: `linear [${rows}, ${columns}] with bias`,
    shapes: [[rows!, columns!], [21, columns!], [21]],
    op: (x, w, b) => linear(x!, w!, b),
  },
]);

const otherCases: readonly ParityCase[] = [
  {
    name: "linear, three axes, no bias",
    shapes: [
      [2, 5, 24],
      [7, 24],
    ],
    op: (x, w) => linear(x!, w!),
  },
  { name: "rmsNorm, three axes", shapes: [[3, 5, 24], [24]], op: (x, w) => rmsNorm(x!, w!, 1e-6) },
  {
    name: "layerNorm, large mean",
    shapes: [[9, 24], [24], [24]],
    spread: 100,
    op: (x, w, b) => layerNorm(x!, w!, b!, 1e-5),
  },
  {
    name: "rmsNorm, more rows than a dispatch is wide",
    shapes: [[70000, 2], [2]],
    op: (x, w) => rmsNorm(x!, w!, 1e-3),
  },
  ...[1, 3].map((angles) => ({
    name: `rotary, angles of ${angles}`,
    shapes: [[3, 2, 5, 24]],
    op: (x: tf.Tensor) => rotary(four(x), tensor([angles, 1, 5, 24], 30), tensor([angles, 1, 5, 24], 31)),
  })),
];

describe("fused kernels: value and gradients as composed on cpu, the same bits twice, nothing left", () => {
  beforeAll(async () => {
    await startWebgpu();
  });
  it.each([...rowCases, ...otherCases])("$name", expectParity);

  it("activations keep NaN and have their limits", async () => {
    const at = [Number.NaN, 200, -200, 0, 1];
    const [gelu, swish] = await onWebgpu(() =>
      take(
        tf.tidy(() => {
          const x = tf.tensor1d(at);
          return [geluTanh(x), swiGlu(x, tf.onesLike(x))];
        }),
      ),
    );
    expectClose(
      [gelu!, swish!],
      [Float32Array.of(Number.NaN, 200, 0, 0, 0.841192), Float32Array.of(Number.NaN, 200, 0, 0, 0.7310586)],
    );
  });
});
