import { refuseArgument } from "./refuse-argument.ts";

/** Refuses what is not finite and above 0. */
export function requirePositive(where: string, name: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    refuseArgument(where, `${name} must be finite and above 0, got ${value}.`);
}

/** Refuses what is not a whole number of at least `least` things. */
export function requireCount(where: string, name: string, value: number, least: number, things: string): void {
  if (!Number.isInteger(value)) refuseArgument(where, `${name} must be a whole number of ${things}, got ${value}.`);
  if (value < least) refuseArgument(where, `${name} must be at least ${least}, got ${value}.`);
}
