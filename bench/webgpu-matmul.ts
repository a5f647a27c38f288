/**
 * Matrix products on WebGPU in GFLOP/s: tfjs's `matMul`, our `linear`, and `linear` with a weight in 16 bits, as shares of the
 * card's fp32 rate where that is given. Run it with
 * `node scripts/run.mjs bench/webgpu-matmul.ts [--peak-tflops N] [--sizes 512,256x576x1536]` where Node finds a Vulkan driver
 * (or Metal, or Direct3D 12). A software adapter takes small sizes alone, and its figures say nothing about a GPU.
 */
import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { linear, storeHalf } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { Command, InvalidArgumentError } from "commander";
import { printTable, shortestOf } from "./python-peer.ts";

/** `[rows, depth] · [depth, columns]` */
interface Size {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

/** Numbers of a product's factors: `x` by rows, `weight` as a linear map has it, `[columns, depth]`. */
interface Factors {
  readonly x: Float32Array;
  readonly weight: Float32Array;
}

const forms = ["matMul", "linear", "linear, 16 bits"] as const;
type Form = (typeof forms)[number];

interface Measured {
  readonly milliseconds: number;
  readonly gflops: number;
  /** Of the rate given by `--peak-tflops`. */
  readonly shareOfPeak?: number;
}

// Squares, then SmolVLM-256M's MLP, there and back, and its head, for 256 tokens.
const defaultSizes = "512,1024,2048,4096,256x576x1536,256x1536x576,256x576x49280";

function parseSizes(text: string): Size[] {
  return text.split(",").map((each) => {
    const [rows, depth = rows, columns = depth, ...others] = each.split("x").map(Number);
    if (![rows, depth, columns].every((side) => Number.isInteger(side) && side! > 0) || others.length > 0)
      throw new InvalidArgumentError(`"${each}" is neither a side nor ROWSxDEPTHxCOLUMNS.`);
    return { rows: rows!, depth: depth!, columns: columns! };
  });
}

function parsePositive(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError("It is a number above 0.");
  return Number(text);
}

interface Options {
  readonly sizes: Size[];
  readonly peakTflops?: number;
  readonly rounds: number;
  readonly ms: number;
}

const { sizes, peakTflops, rounds, ms } = new Command("webgpu-matmul")
  .option("--sizes <list>", "sides of squares, or ROWSxDEPTHxCOLUMNS", parseSizes, parseSizes(defaultSizes))
  .option("--peak-tflops <rate>", "fp32 rate on the card's data sheet, 10¹² operations a second", parsePositive)
  .option("--rounds <n>", "timed rounds, of which the shortest counts", parsePositive, 5)
  .option("--ms <n>", "shortest length of a round, against which one read-back is little", parsePositive, 250)
  .parse()
  .opts<Options>();

/** Multiples of 2⁻⁸ from −½ on: exact in 16 bits, so that all forms have the same product. */
function numbers(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((Math.imul(i + seed, 0x9e3779b1) >>> 24) - 128) / 256);
}

function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** Puts the factors on the device and returns what multiplies them once. */
function prepare(form: Form, { rows, depth, columns }: Size, { x, weight }: Factors): () => tf.Tensor2D {
  const left = tf.tensor2d(x, [rows, depth]);
  if (form === "matMul") {
    const right = tf.tensor2d(transpose(weight, depth), [depth, columns]);
    return () => tf.matMul(left, right);
  }
  const shape: [number, number] = [columns, depth];
  const right = form === "linear" ? tf.tensor2d(weight, shape) : storeHalf(weight, shape, "the weight");
  return () => linear(left, right) as tf.Tensor2D;
}

/** Multiplies so many times and waits for the last number of the last product, behind which the queue is empty. */
async function multiply(product: () => tf.Tensor2D, times: number): Promise<number> {
  for (let i = 1; i < times; i++) product().dispose();
  const last = tf.tidy(() => {
    const result = product();
    return tf.slice(result, [result.shape[0] - 1, result.shape[1] - 1], [1, 1]);
  });
  const [value] = await last.data();
  last.dispose();
  return value!;
}

/** The last number of the product, in float64. */
function lastNumber({ x, weight }: Factors, depth: number): number {
  return x.slice(-depth).reduce((sum, value, i) => sum + value * weight.at(i - depth)!, 0);
}

async function measure(form: Form, size: Size, factors: Factors): Promise<Measured> {
  tf.engine().startScope();
  const product = prepare(form, size, factors);
  // Compiles, uploads, and shows that it is the product that is timed.
  const [value, expected] = [await multiply(product, 1), lastNumber(factors, size.depth)];
  if (!(Math.abs(value - expected) < 1e-4 * Math.max(1, Math.abs(expected))))
    throw new Error(`${form} computed ${value} instead of ${expected}`);
  let times = 1;
  while ((await shortestOf(1, () => multiply(product, times))) < ms) times *= 2;
  const milliseconds = (await shortestOf(rounds, () => multiply(product, times))) / times;
  tf.engine().endScope();
  const gflops = (2 * size.rows * size.depth * size.columns) / milliseconds / 1e6;
  return { milliseconds, gflops, ...(peakTflops && { shareOfPeak: gflops / (1000 * peakTflops) }) };
}

const { adapter } = await openWebgpuBackend();
const results: { size: Size; forms: Record<Form, Measured> }[] = [];
for (const size of sizes) {
  const { rows, depth, columns } = size;
  const factors = { x: numbers(rows * depth, 1), weight: numbers(columns * depth, 7) };
  const measured: Partial<Record<Form, Measured>> = {};
  for (const form of forms) measured[form] = await measure(form, size, factors);
  results.push({ size, forms: measured as Record<Form, Measured> });
}
closeWebgpuBackend();

const { vendor, description, device, architecture } = adapter;
console.error(`adapter: ${[vendor, architecture, device, description].filter(Boolean).join(", ")}`);
const unit = peakTflops === undefined ? "GFLOP/s" : `GFLOP/s (share of ${peakTflops} TFLOP/s)`;
console.error(`${unit}; times are those that a program sees, commands included`);
printTable(
  ["product", ...forms],
  results.map(({ size: { rows, depth, columns }, forms: measured }) => [
    `[${rows}, ${depth}] · [${depth}, ${columns}]`,
    ...forms.map((form) => {
      const { gflops, shareOfPeak } = measured[form];
      return `${gflops.toFixed(1)}${shareOfPeak === undefined ? "" : ` (${(100 * shareOfPeak).toFixed(1)} %)`}`;
    }),
  ]),
);
console.log(JSON.stringify({ bench: "webgpu-matmul", adapter, peakTflops, rounds, results }));
