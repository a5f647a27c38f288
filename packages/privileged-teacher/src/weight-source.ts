import type { Policy, WeightView } from "@imagine-opd/protocol/policy";
import type { AdaptedWeight } from "./adapted-weight.ts";
import { averagedDeltas } from "./averaged-deltas.ts";
import type { TeacherState } from "./teacher.ts";
import type { TeacherKind } from "./teacher-kind.ts";
import { checkNames, createWeightCopies, type WeightCopies } from "./weight-copies.ts";

/** Where a teacher's weights come from: the part in which the kinds differ. */
export interface WeightSource {
  readonly view: WeightView;
  /** @param updates optimiser steps so far, this one included */
  afterUpdate(updates: number): void;
  distanceToStudent(): Promise<number | undefined>;
  exportWeights(): Promise<TeacherState["weights"]>;
  importWeights(weights: TeacherState["weights"]): void;
  dispose(): void;
}

/** The source of a kind; of a trust region's reference. */
export function openWeightSource(
  policy: Policy,
  kind: TeacherKind,
  adapted: readonly AdaptedWeight[] | undefined,
): WeightSource {
  const copies = () => createWeightCopies(policy.trainable);
  switch (kind.kind) {
    case "live":
      return viewSource({ kind: "student" }, 0);
    case "frozen":
      return kind.from === "base" ? viewSource({ kind: "base" }) : copiesSource(copies(), () => {});
    case "trust-region":
      return kind.reference === "base" ? viewSource({ kind: "base" }) : copiesSource(copies(), () => {});
    case "ema":
      return kind.average === "deltas"
        ? averagedDeltas(policy, kind.rate, adapted)
        : copiesSource(copies(), (own) => own.blend(kind.rate));
    case "periodic":
      return copiesSource(copies(), (own, updates) => {
        if (updates % kind.everySteps === 0) own.blend(1);
      });
  }
}

/** Weights that the policy holds itself. */
function viewSource(view: WeightView, distance?: number): WeightSource {
  return {
    view,
    afterUpdate() {},
    distanceToStudent: async () => distance,
    exportWeights: async () => ({}),
    importWeights(weights) {
      checkNames(Object.keys(weights), []);
    },
    dispose() {},
  };
}

/** Copies of the trainable weights in their place. */
function copiesSource(copies: WeightCopies, update: (copies: WeightCopies, updates: number) => void): WeightSource {
  return {
    get view(): WeightView {
      return { kind: "replaced", trainable: copies.tensors };
    },
    afterUpdate: (updates) => update(copies, updates),
    distanceToStudent: copies.distance,
    exportWeights: copies.exportWeights,
    importWeights: copies.importWeights,
    dispose: copies.dispose,
  };
}
