import type { DivergenceClip, EntryClip, RatioClip, TopK } from "@imagine-opd/distillation-loss";
import type { Reveal, TeacherKind } from "@imagine-opd/privileged-teacher";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TruncatedPolicy } from "@imagine-opd/rollout-sampler";
import type { LossSettings } from "./loss-settings.ts";
import type { DistributionDivergence, Objective, SampledReverseKl, ViewContrast } from "./objective.ts";

// Values of deviations as texts, and back: what a reader writes is what a run's record shows.

function refuse(field: string, expected: string, text: string): never {
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.deviate",
    problem: `${field} must be ${expected}, got "${text}".`,
  });
}

/** A number of a deviation. @throws invalid-argument */
export function parseNumber(
  field: string,
  text: string,
  { integer = false, from = "positive" }: { integer?: boolean; from?: "positive" | "zero" | "anywhere" } = {},
): number {
  const value = Number(text);
  const inRange = from === "positive" ? value > 0 : from === "zero" ? value >= 0 : true;
  if (text.trim() !== "" && Number.isFinite(value) && (!integer || Number.isInteger(value)) && inRange) return value;
  const noun = integer ? "an integer" : "a number";
  const range = { positive: `${noun} > 0`, zero: `${noun} ≥ 0`, anywhere: noun }[from];
  return refuse(field, range, text);
}

/** One of some words. @throws invalid-argument */
export function choose<const Choice extends string>(field: string, text: string, choices: readonly Choice[]): Choice {
  if ((choices as readonly string[]).includes(text)) return text as Choice;
  return refuse(field, `one of ${choices.join(", ")}`, text);
}

const teacherForms =
  "frozen, frozen:base, live, ema:RATE, ema:RATE:deltas, periodic:STEPS, trust-region:SHARE or trust-region:SHARE:base";

/** `ema:0.05` and the like. @throws invalid-argument */
export function parseTeacher(text: string): TeacherKind {
  const [kind, parameter, choice, ...rest] = text.split(":");
  const number = (integer = false) =>
    parseNumber(`the parameter of teacher=${kind}`, parameter ?? "", { integer, from: "zero" });
  if (rest.length > 0) return refuse("teacher", teacherForms, text);
  if (text === "frozen" || text === "frozen:base") return { kind: "frozen", from: parameter ? "base" : "snapshot" };
  if (text === "live") return { kind: "live" };
  if (kind === "ema" && (choice === undefined || choice === "deltas"))
    return { kind, rate: number(), average: choice ?? "weights" };
  if (kind === "periodic" && choice === undefined) return { kind, everySteps: number(true) };
  if (kind === "trust-region" && (choice === undefined || choice === "base"))
    return { kind, studentShare: number(), reference: choice ?? "snapshot" };
  return refuse("teacher", teacherForms, text);
}

export function formatTeacher(teacher: TeacherKind): string {
  switch (teacher.kind) {
    case "frozen":
      return teacher.from === "base" ? "frozen:base" : "frozen";
    case "live":
      return "live";
    case "ema":
      return `ema:${teacher.rate}${teacher.average === "deltas" ? ":deltas" : ""}`;
    case "periodic":
      return `periodic:${teacher.everySteps}`;
    case "trust-region":
      return `trust-region:${teacher.studentShare}${teacher.reference === "base" ? ":base" : ""}`;
  }
}

const divergenceForms = "sampled-reverse-kl, reverse-kl, forward-kl, jsd:BETA, skew-jsd:BETA or jsd:BETA:endpoint";

/**
 * `jsd:0.5` and the like. What belongs to any divergence stays, and what belongs to the form, if that stays.
 * @throws invalid-argument
 */
export function parseDivergence(text: string, before: Objective): SampledReverseKl | DistributionDivergence {
  const [kind, beta, normalize, ...rest] = text.split(":");
  const earlier = sampledOf(before) ?? distributionOf(before);
  const weights = {
    ...(earlier?.importanceCap !== undefined && { importanceCap: earlier.importanceCap }),
    ...(earlier?.viewContrast && { viewContrast: earlier.viewContrast }),
  };
  if (text === "sampled-reverse-kl") return { ...weights, ...sampledOf(before), kind: text };
  const { topK, clip, temperatureScaling } = distributionOf(before) ?? {};
  const kept = {
    ...(topK && { topK }),
    ...(clip && { clip }),
    ...(temperatureScaling && { temperatureScaling }),
    ...weights,
  };
  if (text === "reverse-kl" || text === "forward-kl") return { kind: text, ...kept };
  if (
    (kind === "jsd" || kind === "skew-jsd") &&
    (normalize === undefined || normalize === "endpoint") &&
    !rest.length
  ) {
    const share = beta === undefined ? 0.5 : parseNumber(`beta of ${kind}`, beta);
    return { kind, beta: share, ...(normalize && { normalize }), ...kept };
  }
  return refuse("divergence", divergenceForms, text);
}

export function formatDivergence(objective: Objective): string {
  if (objective.kind !== "opd") return objective.kind;
  const { divergence } = objective;
  if (!("beta" in divergence)) return divergence.kind;
  return `${divergence.kind}:${divergence.beta}${divergence.normalize === "endpoint" ? ":endpoint" : ""}`;
}

/** The divergence where it is one between distributions. */
export function distributionOf(objective: Objective): DistributionDivergence | undefined {
  if (objective.kind !== "opd" || objective.divergence.kind === "sampled-reverse-kl") return undefined;
  return objective.divergence;
}

/** The divergence where it is the sampled form. */
export function sampledOf(objective: Objective): SampledReverseKl | undefined {
  if (objective.kind !== "opd" || objective.divergence.kind !== "sampled-reverse-kl") return undefined;
  return objective.divergence;
}

const clipKinds = ["preserve-direction", "zero-gradient", "vocabulary-entry"] as const;

/** `0.2:0.3:3`: low, high and, where it is bounded, dual. @throws invalid-argument */
export function parseRatioClip(text: string): RatioClip {
  const [low, high, dual, ...rest] = text.split(":");
  if (high === undefined || rest.length > 0) return refuse("clip", "off, or LOW:HIGH or LOW:HIGH:DUAL", text);
  const bounds = { low: parseNumber("low of clip", low!), high: parseNumber("high of clip", high) };
  return dual === undefined ? bounds : { ...bounds, dual: parseNumber("dual of clip", dual) };
}

/** `preserve-direction:0.1` and the like. @throws invalid-argument */
export function parseDivergenceClip(text: string): DivergenceClip | EntryClip {
  const [kind, limit, ...rest] = text.split(":");
  if (limit === undefined || rest.length > 0)
    return refuse("clip", `off, or one of ${clipKinds.join(", ")} and :LIMIT`, text);
  return { kind: choose("kind of clip", kind!, clipKinds), limit: parseNumber("limit of clip", limit) };
}

export function formatClip(clip: RatioClip | DivergenceClip | EntryClip | undefined): string | undefined {
  if (clip === undefined) return undefined;
  if ("kind" in clip) return `${clip.kind}:${clip.limit}`;
  return [clip.low, clip.high, ...(clip.dual === undefined ? [] : [clip.dual])].join(":");
}

/** `shuffled`, or `noise:1:0.5:2` with gamma, strength and limit. @throws invalid-argument */
export function parseViewContrast(text: string): ViewContrast {
  const [kind, ...numbers] = text.split(":");
  const wrong = choose("wrong views of viewContrast", kind!, ["shuffled", "blank", "noise"]);
  if (numbers.length === 0) return { wrong };
  const [gamma, strength, limit, ...rest] = numbers;
  if (limit === undefined || rest.length > 0)
    return refuse("viewContrast", "off, or shuffled, blank or noise, alone or with :GAMMA:STRENGTH:LIMIT", text);
  return {
    wrong,
    gamma: parseNumber("gamma of viewContrast", gamma!, { from: "zero" }),
    strength: parseNumber("strength of viewContrast", strength!, { from: "zero" }),
    limit: parseNumber("limit of viewContrast", limit),
  };
}

export function formatViewContrast(contrast: ViewContrast | undefined): string | undefined {
  if (contrast === undefined) return undefined;
  const { wrong, gamma, strength, limit } = contrast;
  return [wrong, gamma, strength, limit].filter((each) => each !== undefined).join(":");
}

const reductions = ["token-mean", "sequence-mean", "sum"] as const;

/** `token-mean`, `constant-length:256` and the like. @throws invalid-argument */
export function parseReduction(text: string): Pick<LossSettings, "reduction" | "constantLength"> {
  const [reduction, length, ...rest] = text.split(":");
  if (reduction === "constant-length" && length !== undefined && rest.length === 0)
    return { reduction, constantLength: parseNumber("length of the reduction", length) };
  const expected = `${reductions.join(", ")} or constant-length:TOKENS`;
  const chosen = reductions.find((each) => each === text);
  return chosen === undefined ? refuse("reduction", expected, text) : { reduction: chosen };
}

export function formatReduction({ reduction, constantLength }: LossSettings): string {
  return constantLength === undefined ? reduction : `${reduction}:${constantLength}`;
}

/** `keep`, `down-weight:0.5` and the like. @throws invalid-argument */
export function parseTruncated(text: string): TruncatedPolicy {
  const [kind, weight, ...rest] = text.split(":");
  if (kind === "down-weight" && weight !== undefined && rest.length === 0)
    return { kind, weight: parseNumber("weight of truncated", weight) };
  const known = (["keep", "mask-last", "drop"] as const).find((each) => each === text);
  return known ?? refuse("truncated", "keep, mask-last, drop or down-weight:WEIGHT", text);
}

export function formatTruncated(policy: TruncatedPolicy): string {
  return typeof policy === "string" ? policy : `${policy.kind}:${policy.weight}`;
}

/** `5,17`, or `none` for an empty list. @throws invalid-argument */
export function parseTokenIds(field: string, text: string): readonly number[] {
  if (text === "none") return [];
  return text.split(",").map((id) => parseNumber(field, id, { integer: true, from: "zero" }));
}

/** `student:100:tail`, or `all`. @throws invalid-argument */
export function parseSupport(text: string): TopK | undefined {
  if (text === "all") return undefined;
  const [support, k, mass, ...rest] = text.split(":");
  if (support === undefined || k === undefined || mass === undefined || rest.length > 0)
    return refuse("support", "all, or like student:100:tail", text);
  return {
    support: choose("whose support", support, ["student", "teacher", "union"]),
    k: parseNumber("k of the support", k, { integer: true }),
    mass: choose("mass outside of the support", mass, ["tail", "renormalise"]),
  };
}

export function formatSupport(topK: TopK | undefined): string {
  return topK === undefined ? "all" : `${topK.support}:${topK.k}:${topK.mass}`;
}

const reveals = {
  "views+answer": { evidence: true, groundTruth: true },
  "views+solution": { evidence: true, groundTruth: "solution" },
  views: { evidence: true, groundTruth: false },
  answer: { evidence: false, groundTruth: true },
  solution: { evidence: false, groundTruth: "solution" },
  none: { evidence: false, groundTruth: false },
} as const satisfies Record<string, Reveal>;
const revealNames = Object.keys(reveals) as (keyof typeof reveals)[];

/** `views+answer` and the like. @throws invalid-argument */
export function parseReveal(text: string): Reveal {
  return reveals[choose("reveal", text, revealNames)];
}

export function formatReveal({ evidence, groundTruth }: Reveal): string {
  return revealNames.find((name) => reveals[name].evidence === evidence && reveals[name].groundTruth === groundTruth)!;
}
