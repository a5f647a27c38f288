import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { scoreSampled, scoreStates } from "./score-sequences.ts";
import type { ScoreRequest, Teacher, TeacherKind, TeacherScores } from "./teacher.ts";
import { openWeightSource } from "./weight-source.ts";

export interface TeacherOptions {
  /** Rows of `[N, D]` that go through the head at once. @default that of distillation-loss */
  readonly chunkRows?: number;
}

/**
 * A teacher: the same policy, under its own weights, for the privileged prompt (arXiv 2606.08719). A frozen snapshot
 * copies the trainable weights on the device now, so make the teacher before the first update. The policy stays the
 * caller's and must outlive the teacher.
 */
export function createTeacher(policy: Policy, kind: TeacherKind, options: TeacherOptions = {}): Teacher {
  const source = openWeightSource(policy, kind);
  let disposed = false;
  const checkAlive = (method: string): void => {
    if (!disposed) return;
    throw new ImagineOpdError("disposed", {
      where: `privileged-teacher.${method}`,
      problem: "the teacher was used after dispose().",
      remedy: "Make a new one with createTeacher.",
    });
  };
  return {
    kind,
    get weights() {
      return source.view;
    },
    async score<Request extends ScoreRequest>(sequences: readonly ScoredSequence[], ask: Request) {
      checkAlive("score");
      const scores =
        ask.want === "states"
          ? scoreStates(policy, sequences, source.view, ask.features)
          : await scoreSampled(policy, sequences, source.view, { ...options, ...ask });
      return scores as TeacherScores[Request["want"]];
    },
    afterUpdate() {
      checkAlive("afterUpdate");
      source.afterUpdate();
    },
    async exportState() {
      checkAlive("exportState");
      return { kind, weights: await source.exportWeights() };
    },
    importState(state) {
      checkAlive("importState");
      checkKind(state.kind, kind);
      source.importWeights(state.weights);
    },
    dispose() {
      if (!disposed) source.dispose();
      disposed = true;
    },
  };
}

function checkKind(got: TeacherKind, expected: TeacherKind): void {
  if (nameKind(got) === nameKind(expected)) return;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.importState",
    problem: `the state is of a teacher "${nameKind(got)}", this one is "${nameKind(expected)}".`,
    remedy: "Resume with the teacher kind that the run began with.",
  });
}

function nameKind(kind: TeacherKind): string {
  return kind.kind === "frozen" ? `frozen from ${kind.from}` : kind.kind;
}
