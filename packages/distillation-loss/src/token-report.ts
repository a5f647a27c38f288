import { ImagineOpdError } from "@imagine-opd/protocol";
import type { RowObjective } from "./row-objective.ts";
import type { RowPlan } from "./row-plan.ts";
import type { StatisticName } from "./statistics.ts";

/** `[N]` statistics of the tokens in nats, 0 in masked rows; those a loss does not know are absent. */
export interface TokenReport {
  /** What the loss is the weighted mean of: the divergence, the policy-gradient surrogate (k1 while ρ = 1), or −ln S(y). */
  readonly values: Float32Array;
  /** The divergences before their clip. */
  readonly unclippedValues?: Float32Array;
  readonly studentEntropy: Float32Array;
  readonly teacherEntropy?: Float32Array;
  /** 1 where student and teacher have different most likely tokens, else 0: its mean is the disagreement rate. */
  readonly disagreement?: Float32Array;
  /** ln S(y). */
  readonly studentLogProbs?: Float32Array;
  /** ln T(y). */
  readonly teacherLogProbs?: Float32Array;
  /** k1 = ln S(y) − ln T(y); −k1 is the advantage of Imagine-OPD. */
  readonly logRatio?: Float32Array;
  /** Importance ratio ρ of the surrogate. */
  readonly ratio?: Float32Array;
  /** Truncated importance weight that the token was multiplied by. */
  readonly importance?: Float32Array;
  /** What a top-k support sees. */
  readonly support?: SupportReport;
  readonly counts: {
    /** Tokens with a weight above 0. */
    readonly tokens: number;
    /** Tokens with weight 0. */
    readonly masked: number;
    /** Of `tokens`: those whose row has no possible token. They add 0 to the loss. */
    readonly empty: number;
    /** Of `tokens`: those whose value is NaN. */
    readonly notANumber: number;
  };
  /**
   * (Σ c)² / Σ c² over the factors c with which tokens enter the loss, importance weights included: as many equally weighted
   * tokens would be as informative (Kish 1965). 0 when no token counts.
   */
  readonly effectiveTokens: number;
  /** Shares of `tokens`, 0 to 1, that a bound acts on; those of bounds that were not asked for are absent. */
  readonly clipFractions?: ClipFractions;
}

/** `[N]` each, between 0 and 1, at the loss's temperature. */
export interface SupportReport {
  readonly studentMass: Float32Array;
  readonly teacherMass: Float32Array;
  /** 1 − mass; exact, however small, with mass "tail". */
  readonly studentTailMass: Float32Array;
  readonly teacherTailMass: Float32Array;
  /** Share of the student's k most likely tokens that are among the teacher's. */
  readonly overlap: Float32Array;
}

export interface ClipFractions {
  /** ρ beyond the bounds of `clip`. */
  readonly ratio?: number;
  /** The dual bound of `clip`. */
  readonly dual?: number;
  /** Advantages beyond `advantageClip`. */
  readonly advantage?: number;
  /** ρ above the cap of `importance`. */
  readonly importance?: number;
  /** Divergences above the limit of their clip, or with an entry above it. */
  readonly divergence?: number;
}

type Read = (name: StatisticName) => Float32Array | undefined;

/** Makes the report from the `[S, A]` numbers that were kept. */
export function reportTokens(plan: RowPlan, objective: RowObjective, numbers: Float32Array): TokenReport {
  const { active, rows } = plan;
  const read: Read = (name) => {
    const index = objective.statistics.indexOf(name);
    return index < 0 ? objective.given?.[name] : numbers.subarray(index * active.length, (index + 1) * active.length);
  };
  const defined = read("defined")!;
  const spread = <Given extends Float32Array | undefined>(given: Given): Given => {
    if (given === undefined) return given;
    const everywhere = new Float32Array(rows);
    for (const [i, row] of active.entries()) everywhere[row] = defined[i] === 0 ? 0 : given[i]!;
    return everywhere as Given;
  };
  const take = (name: StatisticName) => spread(read(name));
  const values = take("value")!;
  const unclippedValues = take("unclipped");
  refuseInfinite(plan, unclippedValues ?? values);
  const [studentTop, teacherTop] = [read("studentTop"), read("teacherTop")];
  const [studentLogProbs, teacherLogProbs] = [take("studentLogProb"), take("teacherLogProb")];
  return {
    values,
    studentEntropy: take("studentEntropy")!,
    ...present({
      unclippedValues,
      teacherEntropy: take("teacherEntropy"),
      disagreement: spread(teacherTop && studentTop?.map((id, i) => (id === teacherTop[i] ? 0 : 1))),
      studentLogProbs,
      teacherLogProbs,
      logRatio: teacherLogProbs && studentLogProbs?.map((logProb, i) => logProb - teacherLogProbs[i]!),
      ratio: take("ratio"),
      importance: take("importance"),
      support: reportSupport(objective, read, spread, plan.vocabSize),
      clipFractions: reportClips(objective, read),
    }),
    counts: {
      tokens: active.length,
      masked: rows - active.length,
      empty: defined.filter((flag) => flag === 0).length,
      notANumber: values.filter(Number.isNaN).length,
    },
    effectiveTokens: countEffectiveTokens(plan, defined, read("importance")),
  };
}

function reportSupport(
  { topK }: RowObjective,
  read: Read,
  spread: (given: Float32Array) => Float32Array,
  vocabSize: number,
): SupportReport | undefined {
  if (topK === undefined) return undefined;
  const ofModel = (name: "studentPart" | "teacherPart") => {
    const logPart = read(name)!;
    const part = spread(logPart.map(Math.exp));
    const rest = spread(logPart.map((each) => Math.max(0, -Math.expm1(each))));
    return topK.mass === "tail" ? { mass: rest, tail: part } : { mass: part, tail: rest };
  };
  const [student, teacher] = [ofModel("studentPart"), ofModel("teacherPart")];
  const size = Math.min(topK.k, vocabSize);
  return {
    studentMass: student.mass,
    teacherMass: teacher.mass,
    studentTailMass: student.tail,
    teacherTailMass: teacher.tail,
    overlap: spread(read("overlap")!.map((shared) => shared / size)),
  };
}

function reportClips({ importanceCap }: RowObjective, read: Read): ClipFractions | undefined {
  const share = (numbers: Float32Array | undefined, acts: (number: number, i: number) => boolean) =>
    numbers && (numbers.length === 0 ? 0 : numbers.filter(acts).length / numbers.length);
  const values = read("value");
  const fractions = present({
    ratio: share(read("clip"), (flag) => flag === 1),
    dual: share(read("clip"), (flag) => flag === 2),
    advantage: share(read("advantageClip"), (flag) => flag === 1),
    importance: share(read("importance"), (weight) => weight >= Math.fround(importanceCap!)),
    divergence:
      share(read("unclipped"), (unclipped, i) => unclipped > values![i]!) ??
      share(read("clippedEntries"), (entries) => entries > 0),
  });
  return Object.keys(fractions).length === 0 ? undefined : fractions;
}

function countEffectiveTokens(plan: RowPlan, defined: Float32Array, importance: Float32Array | undefined): number {
  let [sum, squares] = [0, 0];
  for (const [i, coefficient] of plan.coefficients.entries()) {
    const factor = coefficient * defined[i]! * (importance?.[i] ?? 1);
    sum += factor;
    squares += factor ** 2;
  }
  return squares === 0 ? 0 : sum ** 2 / squares;
}

// The logit of an impossible token is -1e30, so any possibility beside it gives far more than real logits can.
const infinite = 1e12;

function refuseInfinite(plan: RowPlan, values: Float32Array): void {
  const row = values.findIndex((value) => value > infinite);
  if (row < 0) return;
  throw new ImagineOpdError("non-finite", {
    where: `${plan.where}().readTokens`,
    problem: `the value at row ${row} is infinite: one model gives no probability to a token that the other can produce.`,
    remedy: "Name impossible ids in `banned`, which removes them from both.",
    details: { row },
  });
}

/** The members that are there. */
function present<Members extends object>(
  members: Members,
): { [Name in keyof Members]?: Exclude<Members[Name], undefined> } {
  const there = Object.entries(members).filter(([, member]) => member !== undefined);
  return Object.fromEntries(there) as { [Name in keyof Members]?: Exclude<Members[Name], undefined> };
}
