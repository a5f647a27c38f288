import { ImagineOpdError } from "@imagine-opd/protocol";

/** Bounds of a share, 0 to 1. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval of a binomial share (Wilson 1927): with z the normal quantile of `(1 + confidence) / 2`,
 * `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`.
 * @throws invalid-argument unless `0 <= successes <= total`, `total >= 1` (whole numbers) and `0 < confidence < 1`
 */
export function wilsonInterval(successes: number, total: number, confidence = 0.95): Interval {
  const counts = Number.isSafeInteger(successes) && Number.isSafeInteger(total);
  if (!counts || total < 1 || successes < 0 || successes > total || !(confidence > 0 && confidence < 1)) {
    throw new ImagineOpdError("invalid-argument", {
      where: "evaluation.wilsonInterval",
      problem:
        `expected whole numbers with 0 <= successes <= total, total of at least 1, and a confidence between 0 and 1, ` +
        `got ${successes} of ${total} at ${confidence}.`,
    });
  }
  const z = normalQuantile((1 + confidence) / 2);
  const share = successes / total;
  const middle = share + (z * z) / (2 * total);
  const half = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  return {
    // At the ends the exact bounds are 0 and 1; rounding must not move them.
    low: successes === 0 ? 0 : (middle - half) / scale,
    high: successes === total ? 1 : (middle + half) / scale,
  };
}

/** z with `P(Z <= z) = probability` for `probability >= 0.5`, by bisection of the normal distribution function. */
function normalQuantile(probability: number): number {
  let [low, high] = [0, 10];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (0.5 + centralMass(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** `P(0 <= Z <= z)`: the density times the series `z + z³/3 + z⁵/(3·5) + …` (Marsaglia 2004). */
function centralMass(z: number): number {
  let [term, sum] = [z, z];
  for (let i = 3; term > 1e-17 * sum; i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
