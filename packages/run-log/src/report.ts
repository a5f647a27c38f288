import type { ReportSample } from "./report-sample.ts";

/** Bounds of a share, 0 to 1. */
export interface ShareInterval {
  readonly low: number;
  readonly high: number;
}

/** A line of the headline table. An `EvaluationReport` of the evaluation package with a label is one. */
export interface ReportEvaluation {
  /** For example `student before`. */
  readonly label: string;
  /**
   * What the line is in the comparison. With one line of each, the page tells which share of the accuracy gap between
   * `before` and `teacher` was closed. @default a line of the table only
   */
  readonly role?: "before" | "after" | "teacher";
  /** 0 to 1. */
  readonly accuracy: number;
  /** 95 % interval of the accuracy. */
  readonly interval: ShareInterval;
  /** Questions asked, unparsable ones included. */
  readonly total: number;
  /** Share of answers that could not be read, 0 to 1. */
  readonly unparsableRate: number;
  /** Mean completion length, tokens. */
  readonly meanTokens: number;
  /** Share of completions that name the right place, 0 to 1. */
  readonly locatedRate?: number;
  /** Share of completions that state the right evidence, whatever they answer, 0 to 1. */
  readonly evidenceRate?: number;
}

/** How far the student's next-token distributions are from the teacher's. */
export interface ReportDistance {
  /** Mean KL(student‖teacher) before training, nats. */
  readonly before: number;
  /** The same after it. */
  readonly after: number;
  readonly per: "token" | "completion";
  /** For example `256 held-out scenes, the student's own completions at temperature 1`. */
  readonly measuredOn: string;
}

/** One honest sentence about the experiment. */
export interface ReportStatement {
  /** For example `How the base model was made`. */
  readonly about: string;
  readonly text: string;
}

/** A line in a chart; a point whose `y` is `null` leaves a gap. */
export interface ReportSeries {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

/** One chart. */
export interface ReportCurve {
  readonly title: string;
  /** @default "step" */
  readonly xLabel?: string;
  /** What the vertical axis counts, with its unit. */
  readonly yLabel: string;
  /** `log` shows what is above 0 only; the chart says how many points that leaves out. @default "linear" */
  readonly scale?: "linear" | "log";
  /** At most four. */
  readonly series: readonly ReportSeries[];
}

/** Another run that this one is compared with: an objective, a control, a seed. */
export interface ReportComparisonRun {
  readonly name: string;
  /** @default not known */
  readonly before?: { readonly accuracy: number; readonly interval: ShareInterval };
  readonly after: { readonly accuracy: number; readonly interval: ShareInterval };
  /** Mean KL(student‖teacher) before and after, nats, in the unit of the panel's `distancePer`. @default not measured */
  readonly distance?: { readonly before: number; readonly after: number };
  /** Optimiser steps. */
  readonly steps?: number;
  readonly remark?: string;
}

/** Runs side by side. */
export interface ReportComparison {
  /** For example `Controls` or `The paper's form of the objective`. */
  readonly title: string;
  /** A sentence or two: what is the same in all runs, and what differs. */
  readonly note?: string;
  /** @default "completion" */
  readonly distancePer?: "token" | "completion";
  readonly runs: readonly ReportComparisonRun[];
}

/** Everything that the page shows. Empty lists, and what is absent, leave their section out. */
export interface RunReport {
  readonly title: string;
  /** A sentence or two under the title. */
  readonly summary?: string;
  /** What must be read first: alarms of {@link findAlarms}, dropped records, skipped steps. */
  readonly warnings: readonly string[];
  /** How the base model was made, what makes the gap, what the figures do not show. */
  readonly statements?: readonly ReportStatement[];
  /** Declared differences from a preset. */
  readonly deviations: readonly string[];
  readonly evaluations: readonly ReportEvaluation[];
  readonly distance?: ReportDistance;
  readonly comparisons?: readonly ReportComparison[];
  readonly curves: readonly ReportCurve[];
  readonly samples: readonly ReportSample[];
  /** Names and values in the order of the page. */
  readonly configuration: Readonly<Record<string, string | number | boolean>>;
}
