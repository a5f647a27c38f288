import { refuseArgument } from "./refuse-argument.ts";
import { requireCount, requirePositive } from "./require-number.ts";
import type { DistributionOptions, RowOptions } from "./row-options.ts";
import { type TokenCoefficients, weighTokens } from "./weigh-tokens.ts";

/** Positions `from <= i < to`, of active rows or of the vocabulary. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The checked common options, and what is worked on in which pieces. */
export interface RowPlan extends TokenCoefficients {
  /** `package.function` for errors. */
  readonly where: string;
  /** N. */
  readonly rows: number;
  /** V. */
  readonly vocabSize: number;
  readonly temperature: number;
  readonly banned: Int32Array;
  /** Of the active rows. */
  readonly chunks: readonly Range[];
  /** Of the vocabulary. */
  readonly slices: readonly Range[];
}

// A quarter of WebGPU's default binding limit; the composed kernels hold up to eight tensors of this size.
const chunkBytes = 32 * 2 ** 20;

/** Checks the common options for `[N, V]` logits. Where a head computes them, the vocabulary may be sliced. */
export function planRows(
  where: string,
  rows: number,
  vocabSize: number,
  options: RowOptions & { readonly chunkVocabulary?: number },
): RowPlan {
  const distribution = planDistribution(where, vocabSize, options);
  const coefficients = weighTokens(where, rows, options);
  return {
    where,
    rows,
    vocabSize,
    ...distribution,
    ...coefficients,
    ...planPieces(where, coefficients, vocabSize, options),
  };
}

function planDistribution(where: string, vocabSize: number, options: DistributionOptions) {
  const { temperature = 1, banned = new Int32Array(0) } = options;
  requirePositive(where, "temperature", temperature);
  const wrong = banned.find((id) => !(id >= 0 && id < vocabSize));
  if (wrong !== undefined) refuseArgument(where, `banned must be ids from 0 to ${vocabSize - 1}, got ${wrong}.`);
  if (new Set(banned).size === vocabSize)
    refuseArgument(where, `banned names all ${vocabSize} ids, so that no token is left.`);
  return { temperature, banned };
}

function planPieces(
  where: string,
  { active }: TokenCoefficients,
  vocabSize: number,
  options: { readonly chunkRows?: number; readonly chunkVocabulary?: number },
) {
  const { chunkVocabulary = vocabSize } = options;
  requireCount(where, "chunkVocabulary", chunkVocabulary, 1, "ids");
  const sliceBytes = 4 * Math.min(chunkVocabulary, vocabSize);
  const { chunkRows = Math.max(1, Math.floor(chunkBytes / sliceBytes)) } = options;
  requireCount(where, "chunkRows", chunkRows, 1, "rows");
  return { chunks: cutRange(active.length, chunkRows), slices: cutRange(vocabSize, chunkVocabulary) };
}

/** Pieces of `size`, the last one with what is left. */
function cutRange(length: number, size: number): Range[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => ({
    from: i * size,
    to: Math.min((i + 1) * size, length),
  }));
}
