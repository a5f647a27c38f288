import * as tf from "@tensorflow/tfjs-core";
import { refuseArgument } from "./refuse-argument.ts";

/** Options that every loss takes. */
export interface RowOptions {
  /** Divides all logits, the student's and the teacher's. @default 1 */
  readonly temperature?: number;
  /**
   * `[N]` weight of each token, 0 = masked. Rows with weight 0 are never read: they may hold NaN or infinity.
   * @default 1 for every token
   */
  readonly tokenWeights?: Float32Array;
  /**
   * What the weighted sum over tokens is divided by. When a batch is split into micro-batches, give each of them the
   * token count of the whole batch.
   * @default the number of tokens with a weight above 0
   */
  readonly normalizer?: number;
  /** Token ids that are removed from every distribution. @default none */
  readonly banned?: Int32Array;
  /** Rows whose `[rows, V]` logits are in memory at once. @default as many as fit in 32 MiB, at least 1 */
  readonly chunkRows?: number;
}

/** Positions `from <= i < to` among the active rows. */
export interface RowChunk {
  readonly from: number;
  readonly to: number;
}

/** The checked common options, and which rows are worked on in which pieces. */
export interface RowPlan {
  /** `package.function` for errors. */
  readonly where: string;
  /** N. */
  readonly rows: number;
  /** V. */
  readonly vocabSize: number;
  readonly temperature: number;
  readonly banned: Int32Array;
  /** Indices of the rows with a weight above 0. */
  readonly active: Int32Array;
  /** Weight / normalizer of each active row. */
  readonly coefficients: Float32Array;
  readonly chunks: readonly RowChunk[];
}

// A quarter of WebGPU's default binding limit; the composed kernels hold up to eight tensors of this size.
const chunkBytes = 32 * 2 ** 20;

/** Checks the common options for `[N, V]` logits. */
export function planRows(where: string, rows: number, vocabSize: number, options: RowOptions): RowPlan {
  const { temperature = 1, tokenWeights, banned = new Int32Array(0) } = options;
  const chunkRows = options.chunkRows ?? Math.max(1, Math.floor(chunkBytes / (4 * vocabSize)));
  requirePositive(where, "temperature", temperature);
  if (!Number.isInteger(chunkRows))
    refuseArgument(where, `chunkRows must be a whole number of rows, got ${chunkRows}.`);
  requirePositive(where, "chunkRows", chunkRows);
  checkBanned(where, banned, vocabSize);
  const weights = tokenWeights ?? new Float32Array(rows).fill(1);
  if (weights.length !== rows)
    refuseArgument(where, `tokenWeights must have one entry for each of the ${rows} rows, got ${weights.length}.`);
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (wrong >= 0)
    refuseArgument(where, `tokenWeights must be finite and at least 0, got ${weights[wrong]} at row ${wrong}.`);
  const active = Int32Array.from(weights.keys()).filter((row) => weights[row]! > 0);
  const normalizer = options.normalizer ?? Math.max(1, active.length);
  requirePositive(where, "normalizer", normalizer);
  const coefficients = Float32Array.from(active, (row) => weights[row]! / normalizer);
  const chunks = Array.from({ length: Math.ceil(active.length / chunkRows) }, (_, i) => ({
    from: i * chunkRows,
    to: Math.min((i + 1) * chunkRows, active.length),
  }));
  return { where, rows, vocabSize, temperature, banned, active, coefficients, chunks };
}

/** The rows of an `[N, columns]` tensor that are worked on: the tensor itself when no row is masked. */
export function takeActiveRows(plan: RowPlan, tensor: tf.Tensor2D): tf.Tensor2D {
  if (plan.active.length === plan.rows) return tensor;
  return tf.gather(tensor, tf.tensor1d(plan.active, "int32"));
}

/** `[N, columns]` with the chunks' rows at their places and zeros in the masked rows. */
export function restoreRows(plan: RowPlan, chunks: readonly tf.Tensor2D[], columns: number): tf.Tensor2D {
  if (chunks.length === 0) return tf.zeros([plan.rows, columns]);
  if (plan.active.length === plan.rows) return tf.concat([...chunks], 0);
  const places = new Int32Array(plan.rows).fill(plan.active.length);
  for (const [place, row] of plan.active.entries()) places[row] = place;
  return tf.gather(tf.concat([...chunks, tf.zeros([1, columns])], 0), tf.tensor1d(places, "int32"));
}

/** The rows of one chunk. */
export function sliceChunk(tensor: tf.Tensor2D, { from, to }: RowChunk): tf.Tensor2D {
  return tf.slice(tensor, [from, 0], [to - from, tensor.shape[1]]);
}

function checkBanned(where: string, banned: Int32Array, vocabSize: number): void {
  const wrong = banned.find((id) => !(id >= 0 && id < vocabSize));
  if (wrong !== undefined) refuseArgument(where, `banned must be ids from 0 to ${vocabSize - 1}, got ${wrong}.`);
  if (new Set(banned).size === vocabSize)
    refuseArgument(where, `banned names all ${vocabSize} ids, so that no token is left.`);
}

function requirePositive(where: string, name: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    refuseArgument(where, `${name} must be finite and above 0, got ${value}.`);
}
