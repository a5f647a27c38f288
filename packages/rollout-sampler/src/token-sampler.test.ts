import { randomStream } from "@imagine-opd/random-streams";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PenaltyOptions, SeenTokens } from "./penalties.ts";
import { createTokenSampler, type TokenSamplerOptions } from "./token-sampler.ts";

const place = { recordId: "a", rolloutIndex: 0, position: 0 };
const nothingSeen: SeenTokens = { prompt: new Int32Array(0), completion: [] };
const seen: SeenTokens = {
  prompt: Int32Array.of(1, 5, 1),
  completion: [{ tokenId: 4 }, { tokenId: 6 }, { tokenId: 4 }],
};
const all = (vocabSize: number): Uint8Array => new Uint8Array(vocabSize).fill(1);
const logarithms = (probabilities: readonly number[]): Float32Array => Float32Array.from(probabilities, Math.log);

/** What penalties make of logits, in the plainest way. */
function penaliseExactly(logits: ArrayLike<number>, options: PenaltyOptions, seen: SeenTokens): number[] {
  const { repetitionPenalty = 1, presencePenalty = 0 } = options;
  const written = seen.completion.map(({ tokenId }) => tokenId);
  return Array.from(logits, (logit, id) => {
    const repeated = written.includes(id) || seen.prompt.includes(id);
    const scaled = repeated ? (logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty) : logit;
    return Math.fround(Math.fround(scaled) - (written.includes(id) ? presencePenalty : 0));
  });
}

/** The definition, by a full sort and in the plainest way: probabilities that are drawn from, 0 where a token is cut off. */
function exactDistribution(given: ArrayLike<number>, options: TokenSamplerOptions, seen = nothingSeen): number[] {
  const { allowed, temperature = 1, topK = Infinity, topP = 1, minP = 0, typicalP = 1 } = options;
  const logits = penaliseExactly(given, options, seen);
  const normalise = (values: number[]): number[] => {
    const total = values.reduce((a, b) => a + b, 0);
    return values.map((value) => value / total);
  };
  let p = normalise(Array.from(logits, (logit, id) => (allowed[id] ? Math.exp(logit / temperature) : 0)));
  const order = p.map((_, id) => id).sort((a, b) => p[b]! - p[a]! || a - b);
  p = normalise(p.map((value, id) => (order.indexOf(id) < topK ? value : 0)));
  // A token is in the nucleus when those before it hold less than p.
  const before = (id: number): number => order.slice(0, order.indexOf(id)).reduce((mass, other) => mass + p[other]!, 0);
  if (topP < 1) p = normalise(p.map((value, id) => (before(id) < topP ? value : 0)));
  p = normalise(p.map((value) => (value >= minP * Math.max(...p) ? value : 0)));
  if (typicalP === 1) return p;
  const entropy = p.reduce((sum, value) => sum - (value > 0 ? value * Math.log(value) : 0), 0);
  const distance = p.map((value) => Math.abs(-Math.log(value) - entropy));
  const byDistance = p
    .flatMap((value, id) => (value > 0 ? [id] : []))
    .sort((a, b) => distance[a]! - distance[b]! || a - b);
  const typicalBefore = (id: number): number =>
    byDistance.slice(0, byDistance.indexOf(id)).reduce((mass, other) => mass + p[other]!, 0);
  return normalise(p.map((value, id) => (value > 0 && typicalBefore(id) < typicalP ? value : 0)));
}

/** Token counts of `draws` independent draws. */
function countDraws(logits: Float32Array, options: TokenSamplerOptions, draws: number, seen = nothingSeen): number[] {
  const sample = createTokenSampler(options);
  const stream = randomStream(11, "frequencies");
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sample(logits, stream.uniform(), place, seen).tokenId]! += 1;
  return counts;
}

// 0.999 quantiles of chi-square, by degrees of freedom.
const CHI_SQUARE_999 = [0, 10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322];

test.each<[string, Partial<TokenSamplerOptions>, number[]]>([
  ["nothing", {}, [0, 1, 2, 3, 4, 5, 6, 7]],
  ["bans", { allowed: Uint8Array.of(1, 0, 1, 1, 1, 1, 0, 1) }, [0, 2, 3, 4, 5, 7]],
  ["bans before top-p", { allowed: Uint8Array.of(1, 0, 1, 1, 1, 1, 0, 1), topP: 0.8 }, [3, 4, 5, 7]],
  ["temperature", { temperature: 0.5 }, [0, 1, 2, 3, 4, 5, 6, 7]],
  ["top-k", { topK: 3 }, [1, 4, 6]],
  ["top-p", { topP: 0.7 }, [1, 4, 6]],
  ["min-p", { minP: 0.25 }, [1, 4, 5, 6]],
  // Entropy 1.74 nats: −ln p of 0.2 is closest to it, then 0.25, 0.3 and 0.1 follow.
  ["typical", { typicalP: 0.5 }, [1, 4, 6]],
  ["repetition penalty", { repetitionPenalty: 1.8 }, [0, 1, 2, 3, 4, 5, 6, 7]],
  ["presence penalty", { presencePenalty: 0.9 }, [0, 1, 2, 3, 4, 5, 6, 7]],
  ["minimum tokens", { minTokens: 1, stopTokenIds: [1, 3] }, [0, 2, 4, 5, 6, 7]],
  ["temperature, top-k, top-p and min-p", { temperature: 2, topK: 6, topP: 0.85, minP: 0.4 }, [1, 3, 4, 5, 6]],
  [
    "everything",
    { temperature: 1.3, topK: 6, topP: 0.95, minP: 0.2, typicalP: 0.8, repetitionPenalty: 1.1, presencePenalty: -0.3 },
    [1, 4, 5, 6],
  ],
])("draws have the exact frequencies with %s", (_name, options, support) => {
  const logits = logarithms([0.02, 0.3, 0.03, 0.05, 0.2, 0.1, 0.25, 0.05]);
  const { allowed: given = all(8) } = options;
  const allowed = given.slice();
  for (const id of options.stopTokenIds ?? []) allowed[id] = 0;
  const exact = exactDistribution(logits, { ...options, allowed }, seen);
  expect(exact.flatMap((p, id) => (p > 0 ? [id] : []))).toEqual(support);
  const draws = 20_000;
  const counts = countDraws(logits, { ...options, allowed: given }, draws, seen);
  let chiSquare = 0;
  exact.forEach((p, id) => {
    if (p === 0) expect(counts[id]).toBe(0);
    else chiSquare += (counts[id]! - draws * p) ** 2 / (draws * p);
  });
  expect(chiSquare).toBeLessThan(CHI_SQUARE_999[support.length - 1]!);
});

test("the numbers of a hand-computed row: temperature 2, one ban, top-k 2", () => {
  // p ∝ sqrt of [16, 9, 4, 1] / 30 = [4, 3, 2, 1] / 10; without id 0 the two largest are ids 1 and 2.
  const allowed = Uint8Array.of(0, 1, 1, 1);
  const sample = createTokenSampler({ allowed, temperature: 2, topK: 2 });
  const logits = logarithms([16 / 30, 9 / 30, 4 / 30, 1 / 30]);
  const token = sample(logits, 0.61, place);
  expect(token.tokenId).toBe(2); // 3/5 = 0.6 <= 0.61
  expect(token.logProb).toBeCloseTo(Math.log(0.2), 6);
  expect(token.processedLogProb).toBeCloseTo(Math.log(0.4), 6);
  expect(token.keptMass).toBeCloseTo(0.5, 6);
  expect(token.entropy).toBeCloseTo(-[0.4, 0.3, 0.2, 0.1].reduce((h, p) => h + p * Math.log(p), 0), 6);
  expect(sample(logits, 0.59, place).tokenId).toBe(1);
});

test("penalties by hand: transformers' repetition over prompt and completion, then vLLM's presence over the completion", () => {
  const sample = createTokenSampler({ allowed: all(4), repetitionPenalty: 2, presencePenalty: 0.5 });
  const history: SeenTokens = { prompt: Int32Array.of(0, 0), completion: [{ tokenId: 1 }, { tokenId: 1 }] };
  // [2, -1, 1, 3] becomes [2 / 2, -1 · 2 - 0.5, 1, 3].
  const token = sample(Float32Array.of(2, -1, 1, 3), 0, place, history);
  const penalised = [1, -2.5, 1, 3].map(Math.exp);
  const raw = [2, -1, 1, 3].map(Math.exp);
  const total = (values: number[]) => values.reduce((a, b) => a + b);
  expect(token.tokenId).toBe(0);
  expect(token.processedLogProb).toBeCloseTo(Math.log(penalised[0]! / total(penalised)), 12);
  expect(token.logProb).toBeCloseTo(Math.log(raw[0]! / total(raw)), 12);
  expect(token.keptMass).toBe(1);
});

test("a stop token cannot be drawn before minTokens, and can from there on", () => {
  const sample = createTokenSampler({ allowed: all(2), minTokens: 2, stopTokenIds: [0] });
  const logits = Float32Array.of(50, 0);
  const drawn = [0, 1, 2, 3].map((position) => sample(logits, 0.5, { ...place, position }));
  expect(drawn.map(({ tokenId }) => tokenId)).toEqual([1, 1, 0, 0]);
  expect(drawn[0]!.keptMass).toBeCloseTo(Math.exp(-50), 30);
  expect(drawn[2]!.keptMass).toBe(1);
});

test("the rank is the place in the raw distribution, ties to the lower id, whatever may be drawn", () => {
  const logits = Float32Array.of(1, 3, 3, 2);
  const rankOf = (allowedId: number) => {
    const allowed = new Uint8Array(4);
    allowed[allowedId] = 1;
    return createTokenSampler({ allowed, temperature: 0.5 })(logits, 0.5, place).rank;
  };
  expect([0, 1, 2, 3].map(rankOf)).toEqual([4, 1, 2, 3]);
});

test("the token that crosses p is in the nucleus, and one more is not when p is met exactly", () => {
  const logits = Float32Array.of(0, 0, 0, 0); // 1/4 each, exact in binary
  const support = (topP: number): number => {
    const counts = countDraws(logits, { allowed: all(4), topP }, 400);
    return counts.filter((count) => count > 0).length;
  };
  expect([0.2, 0.25, 0.26, 0.5, 0.75, 0.76, 1].map(support)).toEqual([1, 1, 2, 2, 3, 4, 4]);
});

test("temperature 0 takes the largest allowed logit, ties to the lower id, and reports temperature 1", () => {
  const sample = createTokenSampler({ allowed: Uint8Array.of(1, 1, 0, 1), temperature: 0, topP: 0.9, minP: 0.5 });
  const logits = Float32Array.of(1, 2, 5, 2);
  const token = sample(logits, 0.999, place);
  const total = Math.exp(1) + 2 * Math.exp(2) + Math.exp(5);
  expect(token.tokenId).toBe(1);
  expect(token.logProb).toBeCloseTo(2 - Math.log(total), 12);
  expect(token.processedLogProb).toBe(0);
  expect(token.keptMass).toBeCloseTo(Math.exp(2) / total, 12);
});

test("the extremes of the uniform number and of the logits never draw a token of probability 0", () => {
  const sample = createTokenSampler({ allowed: Uint8Array.of(0, 1, 1, 1, 1, 0) });
  const logits = Float32Array.of(3, -Infinity, 1, 1, -Infinity, 3);
  expect(sample(logits, 0, place).tokenId).toBe(2);
  expect(sample(logits, 1 - 2 ** -53, place).tokenId).toBe(3);
});

test("token i is drawn from its half-open share of [0, 1), and topP 1 cuts not even the rarest token off", () => {
  const fair = createTokenSampler({ allowed: all(4) });
  const drawn = [0, 0.2499, 0.25, 0.5, 0.75].map((uniform) => fair(new Float32Array(4), uniform, place).tokenId);
  expect(drawn).toEqual([0, 0, 1, 2, 3]);
  const everything = createTokenSampler({ allowed: all(2), topP: 1 });
  expect(everything(Float32Array.of(-40, 0), 0, place).tokenId).toBe(0);
});

test("a banned favourite does not push the others to probability 0", () => {
  const sample = createTokenSampler({ allowed: Uint8Array.of(0, 1, 1) });
  const token = sample(Float32Array.of(2000, 0, 1), 0.5, place);
  expect(token.tokenId).toBe(2);
  expect(token.logProb).toBe(-1999);
  expect(token.processedLogProb).toBeCloseTo(-Math.log(1 + Math.exp(-1)), 12);
});

const options = fc.record(
  {
    temperature: fc.constantFrom(0.3, 1, 1.7),
    topK: fc.integer({ min: 1, max: 30 }),
    topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    typicalP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    repetitionPenalty: fc.constantFrom(0.8, 1.3),
    presencePenalty: fc.constantFrom(-0.5, 1.1),
  },
  { requiredKeys: [] },
);
const rows = fc.array(fc.record({ logit: fc.integer({ min: -60, max: 60 }), allowed: fc.boolean() }), {
  minLength: 1,
  maxLength: 25,
});

test("for any row and options: the exact log-probs, and processed − (raw after penalties) = −ln(kept mass)", () => {
  fc.assert(
    fc.property(rows, options, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (row, rules, uniform) => {
      fc.pre(row.some(({ allowed }) => allowed));
      const logits = Float32Array.from(row, ({ logit }) => logit / 8);
      const allowed = Uint8Array.from(row, (entry) => Number(entry.allowed));
      const token = createTokenSampler({ allowed, ...rules })(logits, uniform, place, seen);
      const raw = exactDistribution(logits, { allowed: all(row.length), temperature: rules.temperature ?? 1 });
      expect(token.logProb).toBeCloseTo(Math.log(raw[token.tokenId]!), 10);
      const { temperature = 1, repetitionPenalty, presencePenalty, ...truncation } = rules;
      const penalties = {
        ...(repetitionPenalty && { repetitionPenalty }),
        ...(presencePenalty && { presencePenalty }),
      };
      const penalised = exactDistribution(logits, { allowed: all(row.length), temperature, ...penalties }, seen);
      const law = Math.log(penalised[token.tokenId]!) - Math.log(token.keptMass);
      expect(token.processedLogProb).toBeCloseTo(law, 10);
      if (Object.keys(penalties).length === 0)
        expect(token.processedLogProb - token.logProb).toBeCloseTo(-Math.log(token.keptMass), 10);
      if (Object.keys(truncation).length === 0 && allowed.every((flag) => flag === 1)) expect(token.keptMass).toBe(1);
      expect(token.rank).toBe(
        1 +
          logits.filter((l, id) => l > logits[token.tokenId]! || (l === logits[token.tokenId]! && id < token.tokenId))
            .length,
      );
      expect(token.entropy).toBeCloseTo(-raw.reduce((h, p) => h + p * Math.log(p), 0), 10);
      const processed = exactDistribution(logits, { allowed, ...rules }, seen);
      expect(token.processedLogProb).toBeCloseTo(Math.log(processed[token.tokenId]!), 10);
      const cumulative = processed.slice(0, token.tokenId + 1).reduce((a, b) => a + b, 0);
      expect(cumulative).toBeGreaterThan(uniform - 1e-12);
      expect(cumulative - processed[token.tokenId]!).toBeLessThan(uniform + 1e-12);
    }),
    { numRuns: 400 },
  );
});

test("the kept mass is exactly 1 when nothing is removed", () => {
  const stream = randomStream(5, "mass");
  const logits = Float32Array.from({ length: 1000 }, () => 4 * stream.normal());
  for (const rules of [
    {},
    { topK: 1000 },
    { topP: 1 },
    { minP: 0 },
    { typicalP: 1 },
    { temperature: 0.7, topK: 5000 },
  ]) {
    const token = createTokenSampler({ allowed: all(1000), ...rules })(logits, stream.uniform(), place);
    expect(token.keptMass).toBe(1);
    expect(token.processedLogProb).toBe(token.logProb);
  }
});

test("logits without a distribution are refused with record and position", () => {
  const sample = createTokenSampler({ allowed: Uint8Array.of(1, 1, 0) });
  const at = { recordId: "picture-7", rolloutIndex: 2, position: 5 };
  const refuse = (logits: number[]) => () => sample(Float32Array.from(logits), 0.5, at);
  const where = "rollout-sampler.streamRollouts: expected finite logits for token 5 of record `picture-7` (rollout 2)";
  expect(refuse([1, Number.NaN, 0])).toThrow(`${where}, got NaN. Check the policy's weights and the last update.`);
  expect(refuse([1, 0, Number.NaN])).toThrow(`${where}, got NaN.`);
  expect(refuse([1, Infinity, 0])).toThrow(`${where}, got Infinity.`);
  expect(refuse([-Infinity, -Infinity, -Infinity])).toThrow(`${where}, got -Infinity.`);
  expect(refuse([-Infinity, -Infinity, 1])).toThrow(`${where}, got -Infinity for every token that may be drawn.`);
});
