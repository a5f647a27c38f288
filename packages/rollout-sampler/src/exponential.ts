const stepsPerPower = 64;
/** `2^(j/64)`, from square roots: unlike `Math.exp` and `Math.pow` they are rounded alike by every engine. */
const fractions = Float64Array.from({ length: stepsPerPower }, (_, j) => {
  let product = 1;
  for (let bit = stepsPerPower >> 1, root = Math.SQRT2; bit >= 1; bit >>= 1, root = Math.sqrt(root)) {
    if (j & bit) product *= root;
  }
  return product;
});
/** `2^-k`, down to the smallest double and on to 0. */
const powers = Float64Array.from({ length: 1100 }, (_, k) => 2 ** -k);

const stepsPerUnit = stepsPerPower / Math.LN2;
// ln 2 / 64 in two parts; products of the first with whole numbers up to 2^20 are exact.
const stepHigh = 0.6931471803691238 / stepsPerPower;
const stepLow = 1.9082149292705877e-10 / stepsPerPower;
/** Adding 1.5 · 2^52 and taking it away again rounds to a whole number. */
const rounder = 6755399441055744;
/** `e^x` rounds to 0 below it. */
const lowest = -745.2;

/**
 * `e^x` for `x ≤ 0`, to 5e-16 relative; NaN for NaN. The same bits on every JavaScript engine, which `Math.exp` does not
 * promise, and twice as fast on a whole row. Range reduction by 64ths of ln 2 and a polynomial of degree 5 (Tang 1989,
 * doi 10.1145/63522.214389).
 */
export function exponential(x: number): number {
  if (!(x >= lowest)) return Number.isNaN(x) ? x : 0;
  const steps = x * stepsPerUnit + rounder - rounder;
  const rest = x - steps * stepHigh - steps * stepLow;
  const polynomial = 1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24 + rest / 120))));
  return powers[-(steps >> 6)]! * (fractions[steps & 63]! * polynomial);
}
