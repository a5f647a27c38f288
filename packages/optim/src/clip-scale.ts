import { ImagineOpdError } from "@imagine-opd/protocol";

const where = "optim.clipScale";

/**
 * The factor that brings gradients of this norm down to `maxNorm`: `min(1, maxNorm / (norm + 1e-6))`, as
 * `torch.nn.utils.clip_grad_norm_`.
 * @throws non-finite for a norm that is NaN or infinite: no factor mends such gradients
 */
export function clipScale(norm: number, maxNorm: number): number {
  if (!Number.isFinite(norm)) {
    throw new ImagineOpdError("non-finite", {
      where,
      problem: `the gradients have norm ${norm}.`,
      remedy: "Check the norm first, and skip the step or stop.",
      details: { norm },
    });
  }
  if (!(norm >= 0) || !(maxNorm > 0)) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `\`norm\` must be from 0 and \`maxNorm\` above 0, got ${norm} and ${maxNorm}.`,
    });
  }
  return Math.min(1, maxNorm / (norm + 1e-6));
}
