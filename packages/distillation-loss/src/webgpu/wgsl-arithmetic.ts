import { impossibleLogit } from "../limit-logits.ts";

/**
 * WGSL functions that are exact where the built-in ones need not be: WGSL asks of `log` near 1 no more than an absolute error
 * of 2^-21, has no `log1p`, and lets a device take it that no NaN exists.
 */
export const wgslArithmetic = `
const impossible = ${impossibleLogit.toExponential()}f;
// e^x is 0 below it on every device; keeps 0 · x finite.
const lowest = -200.0f;

// ln(1 + x) for 0 <= x <= 1 as 2 artanh(x / (2 + x)), with a relative error of 2e-8.
fn log1pOf(x : f32) -> f32 {
  let t = x / (2.0f + x);
  let u = t * t;
  let tail = 1.0f / 7.0f + u * (1.0f / 9.0f + u * (1.0f / 11.0f + u / 13.0f));
  return 2.0f * t * (1.0f + u * (1.0f / 3.0f + u * (1.0f / 5.0f + u * tail)));
}

// ln x for x >= 1.
fn logOf(x : f32) -> f32 {
  return select(log(x), log1pOf(min(x, 2.0f) - 1.0f), x < 2.0f);
}

fn softplusOf(x : f32) -> f32 {
  return max(x, 0.0f) + log1pOf(exp(max(-abs(x), lowest)));
}

// NaN or Infinity by the bits; -Infinity is an impossible token.
fn isBroken(x : f32) -> bool {
  let bits = bitcast<u32>(x);
  return (bits & 0x7fffffffu) >= 0x7f800000u && bits != 0xff800000u;
}
`;
