import { ImagineOpdError } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import type { AdaptedWeight } from "./adapted-weight.ts";
import { mixHeads } from "./mix-heads.ts";
import { scoreArrays, scoreStates } from "./score-sequences.ts";
import type { ScoreRequest, StateScores, Teacher, TeacherScores, TeacherState } from "./teacher.ts";
import { checkKind, nameKind, type TeacherKind } from "./teacher-kind.ts";
import { openWeightSource } from "./weight-source.ts";

export interface TeacherOptions {
  /** Rows of `[N, D]` that go through the head at once. @default that of distillation-loss */
  readonly chunkRows?: number;
  /** The policy's adapters, for `ema` with `average: "deltas"`. @default none */
  readonly adapted?: readonly AdaptedWeight[];
}

/**
 * A teacher: the same policy, under its own weights, for the privileged prompt (arXiv 2606.08719). Copies are taken on the
 * device now, so make the teacher before the first update. The policy stays the caller's and must outlive the teacher.
 * @throws invalid-argument, mismatch for a kind that does not fit
 */
export function createTeacher(policy: Policy, kind: TeacherKind, options: TeacherOptions = {}): Teacher {
  checkKind(kind);
  const { adapted, ...chunking } = options;
  const source = openWeightSource(policy, kind, adapted);
  let updates = 0;
  let disposed = false;
  const checkAlive = (method: string): void => {
    if (!disposed) return;
    throw new ImagineOpdError("disposed", {
      where: `privileged-teacher.${method}`,
      problem: "the teacher was used after dispose().",
      remedy: "Make a new one with createTeacher.",
    });
  };
  const statesOf = (sequences: readonly ScoredSequence[], features?: ImageFeatures): StateScores =>
    kind.kind === "trust-region"
      ? mixStates(policy, sequences, scoreStates(policy, sequences, source.view, features), kind.studentShare)
      : scoreStates(policy, sequences, source.view, features);
  return {
    kind,
    get weights() {
      return source.view;
    },
    async score<Request extends ScoreRequest>(sequences: readonly ScoredSequence[], ask: Request) {
      checkAlive("score");
      const scored = statesOf(sequences, ask.features);
      if (ask.want === "states") return scored as TeacherScores[Request["want"]];
      try {
        return (await scoreArrays(scored, sequences, { ...chunking, ...ask })) as TeacherScores[Request["want"]];
      } finally {
        scored.states.dispose();
      }
    },
    afterUpdate() {
      checkAlive("afterUpdate");
      updates += 1;
      source.afterUpdate(updates);
    },
    async distanceToStudent() {
      checkAlive("distanceToStudent");
      return source.distanceToStudent();
    },
    async exportState() {
      checkAlive("exportState");
      return { kind, updates, weights: await source.exportWeights() };
    },
    importState(state) {
      checkAlive("importState");
      checkState(state, kind);
      source.importWeights(state.weights);
      updates = state.updates;
    },
    dispose() {
      if (!disposed) source.dispose();
      disposed = true;
    },
  };
}

/** The reference's states beside the student's, with the head that mixes their logits. Takes over the reference's states. */
function mixStates(
  policy: Policy,
  sequences: readonly ScoredSequence[],
  reference: StateScores,
  studentShare: number,
): StateScores {
  const { states, weights, lengths } = reference;
  try {
    const both = tf.tidy(() => tf.concat([states, policy.completionStates(sequences)], 1));
    return { states: both, head: mixHeads(policy.head, weights, studentShare), weights, lengths };
  } finally {
    states.dispose();
  }
}

function checkState(state: TeacherState, kind: TeacherKind): void {
  const [got, expected] = [nameKind(state.kind), nameKind(kind)];
  if (got !== expected) {
    throw new ImagineOpdError("mismatch", {
      where: "privileged-teacher.importState",
      problem: `the state is of a teacher "${got}", this one is "${expected}".`,
      remedy: "Resume with the teacher kind that the run began with.",
    });
  }
  if (Number.isSafeInteger(state.updates) && state.updates >= 0) return;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.importState",
    problem: `\`updates\` must be the number of optimiser steps, got ${state.updates}.`,
    remedy: "Resume from a checkpoint that this version wrote.",
  });
}
