import { ImagineOpdError } from "@imagine-opd/protocol";
import { refuseArgument } from "./refuse-argument.ts";
import type { RowPlan } from "./row-plan.ts";

/** The active rows' entries of a host array; they must be finite. */
export function takeActiveNumbers(plan: RowPlan, name: string, numbers: Float32Array): Float32Array {
  if (numbers.length !== plan.rows)
    refuseArgument(plan.where, `${name} must have one entry for each of the ${plan.rows} rows, got ${numbers.length}.`);
  return Float32Array.from(plan.active, (row) => {
    const number = numbers[row]!;
    if (!Number.isFinite(number))
      throw new ImagineOpdError("non-finite", {
        where: plan.where,
        problem: `${name} must be finite where the token weight is above 0, got ${number} at row ${row}.`,
        details: { row },
      });
    return number;
  });
}

/** The active rows' log-probs; they must be finite and at most 0, but for rounding. */
export function takeActiveLogProbs(plan: RowPlan, name: string, logProbs: Float32Array): Float32Array {
  const taken = takeActiveNumbers(plan, name, logProbs);
  const wrong = taken.findIndex((logProb) => logProb > 1e-3);
  if (wrong >= 0)
    refuseArgument(
      plan.where,
      `${name} must be log-probs in nats (at most 0), got ${taken[wrong]} at row ${plan.active[wrong]}.`,
      "Probabilities need Math.log first.",
    );
  return taken;
}

/** The active rows' token ids; they must be inside the vocabulary and not banned. */
export function takeActiveTokens(plan: RowPlan, tokens: Int32Array): Int32Array {
  if (tokens.length !== plan.rows)
    refuseArgument(plan.where, `tokens must have one id for each of the ${plan.rows} rows, got ${tokens.length}.`);
  const banned = new Set(plan.banned);
  return Int32Array.from(plan.active, (row) => {
    const id = tokens[row]!;
    if (!(id >= 0 && id < plan.vocabSize))
      refuseArgument(plan.where, `tokens must be ids from 0 to ${plan.vocabSize - 1}, got ${id} at row ${row}.`);
    if (banned.has(id))
      refuseArgument(
        plan.where,
        `token ${id} at row ${row} is banned.`,
        "Mask the row with tokenWeights, or do not ban the id.",
      );
    return id;
  });
}
