import type { Head, ImageFeatures, ScoredSequence, WeightView } from "@imagine-opd/protocol/policy";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { TeacherKind } from "./teacher-kind.ts";

interface PictureFeatures {
  /**
   * Features from `encodeImages` under the teacher's `weights`; other pictures are encoded again, and so are all of them for
   * the student's part of a trust region. @default none
   */
  readonly features?: ImageFeatures;
}

interface Distribution {
  /** Divides the logits; the student's sampling temperature. @default 1 */
  readonly temperature?: number;
  /** Ids left out of the distribution. @default none */
  readonly banned?: Int32Array;
}

/**
 * What is asked about completions.
 *
 * - `sampled`: the log-prob of each token, and the entropy of each distribution
 * - `entropy`: the entropy alone
 * - `top-k`: the k most probable ids of each distribution with their log-probs
 * - `states`: hidden states, for a divergence that walks them through the head
 */
export type ScoreRequest = PictureFeatures &
  (
    | ({ readonly want: "sampled" | "entropy" } & Distribution)
    | ({ readonly want: "top-k"; readonly k: number } & Distribution)
    | { readonly want: "states" }
  );

interface Lengths {
  /** `[B]` completion tokens of each sequence; they sum to N. */
  readonly lengths: Int32Array;
}

export interface EntropyScores extends Lengths {
  /** `[N]` nats, sequences one after the other. */
  readonly entropy: Float32Array;
}

export interface SampledScores extends EntropyScores {
  /** `[N]` nats, sequences one after the other. */
  readonly logProbs: Float32Array;
}

export interface TopKScores extends Lengths {
  /** `[N, K]` ids, the most probable first, row-major. */
  readonly ids: Int32Array;
  /** `[N, K]` nats, of the whole distribution: they do not sum to 1. */
  readonly logProbs: Float32Array;
}

/** A teacher as `divergenceThroughHead` of distillation-loss takes it. */
export interface StateScores extends Lengths {
  /** `[N, D]` without gradient (`[N, 2 · D]` for a trust region); the caller disposes it. */
  readonly states: Tensor2D;
  /** The head that these states go through: the policy's, or one that mixes two distributions. */
  readonly head: Head;
  /** The view that the head is to be asked under. */
  readonly weights: WeightView;
}

/** What each request is answered with. */
export interface TeacherScores {
  readonly sampled: SampledScores;
  readonly entropy: EntropyScores;
  readonly "top-k": TopKScores;
  readonly states: StateScores;
}

/** What a checkpoint keeps of a teacher. Typed arrays and numbers only. */
export interface TeacherState {
  readonly kind: TeacherKind;
  /** Optimiser steps that the teacher was told of. */
  readonly updates: number;
  /** The teacher's own weights by name, row-major; empty when it has none. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** A policy under weights of its own, which scores completions and never writes any. */
export interface Teacher {
  readonly kind: TeacherKind;
  /** The view under which pictures may be encoded for `features`; the reference's for a trust region. */
  readonly weights: WeightView;
  /**
   * Scores completions after their prompts without gradient.
   * @throws invalid-argument when there is no completion token, or k is none; disposed
   */
  score<Request extends ScoreRequest>(
    sequences: readonly ScoredSequence[],
    ask: Request,
  ): Promise<TeacherScores[Request["want"]]>;
  /** To be called once after every optimiser step, never for a micro-batch. */
  afterUpdate(): void;
  /**
   * Euclidean distance of the teacher's own weights from the student's, for `average: "deltas"` of what the adapters add.
   * 0 for a live teacher; `undefined` where the teacher has no weights to compare (adapters off).
   */
  distanceToStudent(): Promise<number | undefined>;
  exportState(): Promise<TeacherState>;
  /**
   * Takes over an exported state; the same state gives bit-equal scores.
   * @throws mismatch when it is of another kind or of other weights
   */
  importState(state: TeacherState): void;
  /** Frees the teacher's own weights, never the policy. Calling it again does nothing. */
  dispose(): void;
}
