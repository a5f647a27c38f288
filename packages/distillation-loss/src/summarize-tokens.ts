import { ImagineOpdError } from "@imagine-opd/protocol";

export interface SummarizeTokensOptions {
  /** `[B]` tokens of each sequence, `N = Σ T`; the sequences stand one after the other. */
  readonly lengths: Int32Array;
  /** `[N]` tokens with weight 0 are left out; other weights do not matter. @default every token counts */
  readonly tokenWeights?: Float32Array;
}

/** How a per-token quantity is spread over a batch. `null` where no token counts. */
export interface TokenSummary {
  /** Mean over all tokens. */
  readonly tokenMean: number | null;
  /** Mean over sequences of each sequence's token mean; sequences without a token that counts are left out. */
  readonly sequenceMean: number | null;
  /** Mean over sequences of the value at position 0. */
  readonly firstTokenMean: number | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  /** Population standard deviation over all tokens. */
  readonly standardDeviation: number | null;
  /** Share of tokens with a value above 0, 0 to 1. */
  readonly positiveShare: number | null;
  /** Share of Σ|value| that the 5 % of tokens with the largest |value| (at least one) carry, 0 to 1; `null` when all are 0. */
  readonly topSignalShare: number | null;
  /** Mean in each tenth of the completion: position i of T belongs to tenth floor(10·i/T). */
  readonly decileMeans: readonly (number | null)[];
}

const topShare = 0.05;

/** Summary of `[N]` per-token values, for example a report's `values` or `logRatio`. In float64 on the host. */
export function summarizeTokens(values: Float32Array, { lengths, tokenWeights }: SummarizeTokensOptions): TokenSummary {
  checkLengths(values, lengths, tokenWeights);
  const counted: number[] = [];
  const sequenceMeans: number[] = [];
  const firstValues: number[] = [];
  const deciles: number[][] = Array.from({ length: 10 }, () => []);
  let start = 0;
  for (const length of lengths) {
    const sequence: number[] = [];
    for (let position = 0; position < length; position++) {
      if (tokenWeights?.[start + position] === 0) continue;
      const value = values[start + position]!;
      sequence.push(value);
      if (position === 0) firstValues.push(value);
      deciles[Math.floor((10 * position) / length)]!.push(value);
    }
    for (const value of sequence) counted.push(value);
    if (sequence.length > 0) sequenceMeans.push(sum(sequence) / sequence.length);
    start += length;
  }
  const tokenMean = mean(counted);
  return {
    tokenMean,
    sequenceMean: mean(sequenceMeans),
    firstTokenMean: mean(firstValues),
    minimum: counted.length === 0 ? null : counted.reduce((a, b) => Math.min(a, b)),
    maximum: counted.length === 0 ? null : counted.reduce((a, b) => Math.max(a, b)),
    standardDeviation: tokenMean === null ? null : Math.sqrt(mean(counted.map((value) => (value - tokenMean) ** 2))!),
    positiveShare: mean(counted.map((value) => (value > 0 ? 1 : 0))),
    topSignalShare: topSignalShareOf(counted),
    decileMeans: deciles.map(mean),
  };
}

function topSignalShareOf(values: readonly number[]): number | null {
  const sizes = values.map(Math.abs).sort((a, b) => b - a);
  const total = sum(sizes);
  return total === 0 ? null : sum(sizes.slice(0, Math.ceil(topShare * sizes.length))) / total;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function checkLengths(values: Float32Array, lengths: Int32Array, tokenWeights: Float32Array | undefined): void {
  const where = "distillation-loss.summarizeTokens";
  const total = sum([...lengths]);
  if (lengths.some((length) => length < 0) || total !== values.length)
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `lengths must add up to the ${values.length} values, got ${total}.`,
    });
  if (tokenWeights !== undefined && tokenWeights.length !== values.length)
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `tokenWeights must have one entry for each of the ${values.length} values, got ${tokenWeights.length}.`,
    });
}
