import { ImagineOpdError } from "@imagine-opd/protocol";

/**
 * Which weights the teacher has.
 *
 * - `frozen` from `snapshot`: a copy of the trainable weights as they are when the teacher is made
 * - `frozen` from `base`: adapters off, no copy; an error of the policy when it has no adapters
 * - `live`: the student's weights as they are now
 * - `ema`: φ ← (1 − rate)·φ + rate·θ after every optimiser step, from φ = θ on. `average: "weights"` averages every trainable
 *   weight for itself; `"deltas"` averages what low-rank adapters add to their dense weights (needs `adapted`), which
 *   averaging the two factors does not
 * - `periodic`: a copy of the trainable weights, taken anew after every `everySteps` optimiser steps
 * - `trust-region`: no weights of its own: logits are (1 − studentShare)·reference + studentShare·student, both under the
 *   teacher's prompt and without gradient; two passes a score
 */
export type TeacherKind =
  | { readonly kind: "frozen"; readonly from: "snapshot" | "base" }
  | { readonly kind: "live" }
  | { readonly kind: "ema"; readonly rate: number; readonly average: "weights" | "deltas" }
  | { readonly kind: "periodic"; readonly everySteps: number }
  | { readonly kind: "trust-region"; readonly studentShare: number; readonly reference: "snapshot" | "base" };

/** The kind with its parameters in words, for messages and comparison. */
export function nameKind(kind: TeacherKind): string {
  switch (kind.kind) {
    case "frozen":
      return `frozen from ${kind.from}`;
    case "live":
      return "live";
    case "ema":
      return `ema of ${kind.average}, rate ${kind.rate}`;
    case "periodic":
      return `periodic, every ${kind.everySteps} steps`;
    case "trust-region":
      return `trust-region, ${kind.studentShare} of the student, reference ${kind.reference}`;
  }
}

/** @throws invalid-argument for a kind that there is not, or a parameter out of its range */
export function checkKind(kind: TeacherKind): void {
  switch (kind.kind) {
    case "frozen":
      requireChoice("from", kind.from, ["snapshot", "base"]);
      break;
    case "live":
      break;
    case "ema":
      requireChoice("average", kind.average, ["weights", "deltas"]);
      requireShare("rate", kind.rate);
      break;
    case "periodic":
      if (!Number.isSafeInteger(kind.everySteps) || kind.everySteps < 1)
        refuse(`\`everySteps\` must be an integer ≥ 1, got ${kind.everySteps}.`);
      break;
    case "trust-region":
      requireChoice("reference", kind.reference, ["snapshot", "base"]);
      requireShare("studentShare", kind.studentShare);
      break;
    default:
      refuse(`\`kind\` must be frozen, live, ema, periodic or trust-region, got ${JSON.stringify(kind)}.`);
  }
}

function requireShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) refuse(`\`${name}\` must be from 0 to 1, got ${value}.`);
}

function requireChoice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) refuse(`\`${name}\` must be ${choices.join(" or ")}, got ${value}.`);
}

function refuse(problem: string): never {
  throw new ImagineOpdError("invalid-argument", { where: "privileged-teacher.createTeacher", problem });
}
