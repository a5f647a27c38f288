import { type ErrorCode, ImagineOpdError } from "@imagine-opd/protocol";
import type { RolloutRequest } from "./sampled-rollout.ts";
import type { DecodingPolicy, SamplingOptions } from "./sampling-options.ts";

/**
 * Refuses what cannot be sampled, before anything runs.
 * @throws invalid-argument an option out of its range, a repeated record, every token banned
 * @throws limit-exceeded a prompt that leaves no room for `maxTokens`
 */
export function checkSampling(
  policy: DecodingPolicy,
  requests: readonly RolloutRequest[],
  options: SamplingOptions,
): void {
  const { stopTokenIds, bannedTokenIds = [], stopStrings = [], decode } = options;
  checkRanges(options);
  checkIds("stopTokenIds", stopTokenIds, policy.vocabSize);
  checkIds("bannedTokenIds", bannedTokenIds, policy.vocabSize);
  if (stopStrings.includes("")) fail("`stopStrings` must not hold an empty string.");
  if (stopStrings.length > 0 && decode === undefined) {
    fail("`stopStrings` was given without `decode`.", "Pass the processor's `decode`.");
  }
  const seen = new Set<string>();
  for (const request of requests) {
    if (seen.has(request.recordId)) {
      fail(
        `record \`${request.recordId}\` occurs twice, and both would draw the same tokens.`,
        "Use `rolloutsPerPrompt` for several completions of one prompt, or distinct ids.",
      );
    }
    seen.add(request.recordId);
    checkLength(request, policy.contextLength, options.maxTokens);
  }
}

function checkRanges(options: SamplingOptions): void {
  const { maxTokens, minTokens, seed, step, rolloutsPerPrompt, batchSize, tokenLimit } = options;
  const { temperature, topK, topP, minP, typicalP, repetitionPenalty, presencePenalty } = options;
  const positive = (value: number) => Number.isSafeInteger(value) && value >= 1;
  const check = (name: string, value: number | undefined, ok: (value: number) => boolean, expected: string) => {
    if (value !== undefined && !ok(value)) fail(`\`${name}\` must be ${expected}, got ${value}.`);
  };
  check("maxTokens", maxTokens, positive, "an integer ≥ 1");
  check("seed", seed, Number.isSafeInteger, "an integer");
  check("step", step, (value) => Number.isSafeInteger(value) && value >= 0, "an integer ≥ 0");
  check("rolloutsPerPrompt", rolloutsPerPrompt, positive, "an integer ≥ 1");
  check("temperature", temperature, (value) => Number.isFinite(value) && value >= 0, "a finite number ≥ 0");
  check("topK", topK, positive, "an integer ≥ 1");
  check("topP", topP, (value) => value > 0 && value <= 1, "greater than 0 and at most 1");
  check("minP", minP, (value) => value >= 0 && value <= 1, "from 0 to 1");
  check("typicalP", typicalP, (value) => value > 0 && value <= 1, "greater than 0 and at most 1");
  check("repetitionPenalty", repetitionPenalty, (value) => Number.isFinite(value) && value > 0, "finite and above 0");
  check("presencePenalty", presencePenalty, Number.isFinite, "a finite number");
  const withinLength = (value: number) => Number.isSafeInteger(value) && value >= 0 && value <= maxTokens;
  check("minTokens", minTokens, withinLength, `an integer from 0 to \`maxTokens\` = ${maxTokens}`);
  check("tokenLimit", tokenLimit, positive, "an integer ≥ 1");
  check("batchSize", batchSize, positive, "an integer ≥ 1");
  for (const name of ["maxTokens", "seed", "stopTokenIds"] as const) {
    if (options[name] === undefined) fail(`\`${name}\` is required.`);
  }
}

function checkIds(name: string, ids: readonly number[], vocabSize: number): void {
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (wrong !== undefined) fail(`\`${name}\` must hold ids from 0 to ${vocabSize - 1}, got ${wrong}.`);
}

function checkLength({ recordId, prompt }: RolloutRequest, contextLength: number, maxTokens: number): void {
  const promptTokens = prompt.tokenIds.length;
  if (promptTokens === 0) fail(`the prompt of record \`${recordId}\` has no tokens.`);
  if (promptTokens + maxTokens <= contextLength) return;
  fail(
    `record \`${recordId}\` needs ${promptTokens} prompt tokens + ${maxTokens} \`maxTokens\` = ${promptTokens + maxTokens}, the policy's context holds ${contextLength}.`,
    "Shorten the prompt (fewer or smaller pictures) or lower `maxTokens`.",
    "limit-exceeded",
  );
}

/** `[V]`: 1 for ids that may be drawn. */
export function allowedTokens(
  vocabSize: number,
  { bannedTokenIds = [], tokenLimit = vocabSize, minTokens = 0, stopTokenIds }: SamplingOptions,
): Uint8Array {
  const allowed = new Uint8Array(vocabSize).fill(1, 0, tokenLimit);
  for (const id of bannedTokenIds) allowed[id] = 0;
  if (!allowed.includes(1)) {
    fail(`\`bannedTokenIds\` and \`tokenLimit\` leave none of the ${vocabSize} tokens to draw.`);
  }
  if (minTokens > 0 && allowed.every((flag, id) => flag === 0 || stopTokenIds.includes(id))) {
    fail("`minTokens` leaves no token to draw: every one that is not banned ends a completion.");
  }
  return allowed;
}

function fail(problem: string, remedy?: string, code: ErrorCode = "invalid-argument"): never {
  throw new ImagineOpdError(code, { where: "rollout-sampler.streamRollouts", problem, remedy });
}
