/** Metrics by name. Names without documentation are welcome; absent ones are not written. */
export type MetricGroup = Readonly<Record<string, number | readonly number[] | undefined>>;

/** What the teacher tells the student, nats. */
export interface SignalMetrics extends MetricGroup {
  /** Mean over all tokens of log-prob(student) - log-prob(teacher) at the sampled token. */
  readonly k1TokenMean?: number;
  /** Mean over sequences of their means of the same. */
  readonly k1SequenceMean?: number;
  /** Mean over tokens of the divergence between whole distributions, where the objective computes it. */
  readonly divergence?: number;
  /** Advantage: log-prob(teacher) - log-prob(student). */
  readonly advantageMean?: number;
  readonly advantageMin?: number;
  readonly advantageMax?: number;
  readonly advantageStd?: number;
  /** Share of tokens with an advantage above 0. */
  readonly positiveShare?: number;
  /** Share of the summed absolute signal that the top 5 % of tokens carry. */
  readonly topShare?: number;
  /** Mean over sequences of the first token's signal. */
  readonly firstToken?: number;
  /** Mean signal in each tenth of the completions. */
  readonly byDecile?: readonly number[];
  /** Mean over tokens of log-prob(teacher, right views) - log-prob(teacher, wrong views). */
  readonly informationGain?: number;
}

/** What the student's distribution looks like. */
export interface PolicyMetrics extends MetricGroup {
  /** Nats. */
  readonly entropy?: number;
  /** Importance ratio between update and rollout; 1 on policy. */
  readonly rhoMean?: number;
  readonly rhoMax?: number;
  readonly clippedShare?: number;
  /** Probability outside the support. */
  readonly tailMass?: number;
}

/** What the update did. */
export interface OptimiserMetrics extends MetricGroup {
  readonly loss?: number;
  readonly learningRate?: number;
  /** Before clipping. */
  readonly gradientNorm?: number;
  /** Steps skipped so far because a gradient was not finite. */
  readonly skippedSteps?: number;
  /** Euclidean distance between the averaged teacher and the student. */
  readonly teacherDistance?: number;
}

/** What the sampler did. */
export interface RolloutMetrics extends MetricGroup {
  /** Tokens. */
  readonly lengthMean?: number;
  readonly lengthMin?: number;
  readonly lengthMax?: number;
  /** Share of completions that reached the length limit. */
  readonly truncatedShare?: number;
  /** Share of completions that ended with a stop token. */
  readonly stopShare?: number;
}

/** Shape of the completions; a spread of `formatMetrics(texts)` of the imagination-prompts package fits. */
export interface FormatMetrics extends MetricGroup {
  /** Share of completions with a closed answer tag. */
  readonly answerTagRate?: number;
  readonly leakRate?: number;
  readonly exampleCopyRate?: number;
}

/** Read for the log only: no reward enters the loss. */
export interface TaskMetrics extends MetricGroup {
  readonly accuracy?: number;
  readonly unparsableRate?: number;
}

/** What the records of the step held. */
export interface DataMetrics extends MetricGroup {
  readonly recordsWithoutViews?: number;
  readonly viewsPerRecord?: number;
  /** Share of the picture's area under the regions, 0 to 1. */
  readonly regionAreaShare?: number;
  /** Tokens. */
  readonly studentPromptMean?: number;
  /** Tokens. */
  readonly teacherPromptMean?: number;
}

/** What depends on the machine: kept apart, so that everything else can be compared between runs. */
export interface SystemMetrics extends MetricGroup {
  readonly seconds?: number;
  readonly rolloutSeconds?: number;
  readonly teacherSeconds?: number;
  readonly updateSeconds?: number;
  readonly tokensPerSecond?: number;
  readonly tensors?: number;
  readonly bytes?: number;
  /** Most bytes of tensors alive during the update. */
  readonly peakBytes?: number;
}

/** One optimiser step: one line of `metrics.jsonl`. */
export interface StepMetrics {
  /** From 1. */
  readonly step: number;
  readonly signal?: SignalMetrics;
  readonly policy?: PolicyMetrics;
  readonly optimiser?: OptimiserMetrics;
  readonly rollout?: RolloutMetrics;
  readonly format?: FormatMetrics;
  readonly task?: TaskMetrics;
  readonly data?: DataMetrics;
  readonly system?: SystemMetrics;
}

/** The groups in the order in which they are written. */
export const metricGroups = [
  "signal",
  "policy",
  "optimiser",
  "rollout",
  "format",
  "task",
  "data",
  "system",
] as const satisfies readonly Exclude<keyof StepMetrics, "step">[];

/** One of {@link metricGroups}. */
export type MetricGroupName = (typeof metricGroups)[number];
