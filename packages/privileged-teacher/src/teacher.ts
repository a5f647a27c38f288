import type { ImageFeatures, ScoredSequence, WeightView } from "@imagine-opd/protocol/policy";
import type { Tensor2D } from "@tensorflow/tfjs-core";

/**
 * Which weights the teacher has.
 *
 * - `frozen` from `snapshot`: a copy of the trainable weights as they are when the teacher is made
 * - `frozen` from `base`: adapters off, no copy; an error of the policy when it has no adapters
 * - `live`: the student's weights as they are now
 */
export type TeacherKind = { readonly kind: "frozen"; readonly from: "snapshot" | "base" } | { readonly kind: "live" };

interface PictureFeatures {
  /** Features from `encodeImages` under the teacher's `weights`; other pictures are encoded again. @default none */
  readonly features?: ImageFeatures;
}

/** What is asked about completions. */
export type ScoreRequest = PictureFeatures &
  (
    | {
        /** Log-prob of each sampled token, and the entropy of each distribution. */
        readonly want: "sampled";
        /** Divides the logits; the student's sampling temperature. @default 1 */
        readonly temperature?: number;
        /** Ids left out of the distribution. @default none */
        readonly banned?: Int32Array;
      }
    | {
        /** Hidden states, for a divergence that walks them through the head with the teacher's `weights`. */
        readonly want: "states";
      }
  );

export interface SampledScores {
  /** `[N]` nats, sequences one after the other. */
  readonly logProbs: Float32Array;
  /** `[N]` nats. */
  readonly entropy: Float32Array;
  /** `[B]` completion tokens of each sequence; they sum to N. */
  readonly lengths: Int32Array;
}

export interface StateScores {
  /** `[N, D]` without gradient; the caller disposes it. */
  readonly states: Tensor2D;
  /** `[B]` completion tokens of each sequence; they sum to N. */
  readonly lengths: Int32Array;
}

/** What each request is answered with. */
export interface TeacherScores {
  readonly sampled: SampledScores;
  readonly states: StateScores;
}

/** What a checkpoint keeps of a teacher. Typed arrays only. */
export interface TeacherState {
  readonly kind: TeacherKind;
  /** The teacher's own weights by name, row-major; empty when it has none. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** A policy under weights of its own, which scores completions and never writes any. */
export interface Teacher {
  readonly kind: TeacherKind;
  /** The view to pass on to the policy and its head together with the teacher's states. */
  readonly weights: WeightView;
  /**
   * Scores completions after their prompts without gradient.
   * @throws invalid-argument when there is no completion token; disposed
   */
  score<Request extends ScoreRequest>(
    sequences: readonly ScoredSequence[],
    ask: Request,
  ): Promise<TeacherScores[Request["want"]]>;
  /** To be called once after every optimiser step. Frozen and live teachers have nothing to do then. */
  afterUpdate(): void;
  exportState(): Promise<TeacherState>;
  /**
   * Takes over an exported state; the same state gives bit-equal scores.
   * @throws mismatch when it is of another kind or of other weights
   */
  importState(state: TeacherState): void;
  /** Frees the teacher's own weights, never the policy. Calling it again does nothing. */
  dispose(): void;
}
