/** A line of the accuracy table. An `EvaluationReport` of the evaluation package with a label is one. */
export interface ReportEvaluation {
  /** For example `before` or `after 300 steps`. */
  readonly label: string;
  /** 0 to 1. */
  readonly accuracy: number;
  /** 95 % interval of the accuracy. */
  readonly interval: { readonly low: number; readonly high: number };
  /** Questions asked, unparsable ones included. */
  readonly total: number;
  /** Share of answers that could not be read, 0 to 1. */
  readonly unparsableRate: number;
  /** Mean completion length, tokens. */
  readonly meanTokens: number;
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
  /** At most four. */
  readonly series: readonly ReportSeries[];
}

/** A piece of a completion with log-prob(teacher) - log-prob(student), nats. */
export interface ReportToken {
  readonly text: string;
  readonly logRatio: number;
}

/** A completion at one time of the run. */
export interface ReportTranscript {
  /** For example `before`. */
  readonly label: string;
  readonly text: string;
  /** Absent when the completion has no readable answer. */
  readonly answer?: string;
  readonly correct: boolean;
  /** When given, they are shown in place of `text`, coloured by their log-ratio. */
  readonly tokens?: readonly ReportToken[];
}

export interface ReportSample {
  /** `data:` address of a PNG, JPEG or WebP picture in base64. */
  readonly image?: string;
  readonly question: string;
  /** The labelled answer, when there is one. */
  readonly reference?: string;
  readonly transcripts: readonly ReportTranscript[];
}

/** Everything that the page shows. Empty lists leave their section out. */
export interface RunReport {
  readonly title: string;
  /** A sentence or two under the title. */
  readonly summary?: string;
  readonly warnings: readonly string[];
  /** Declared differences from a preset. */
  readonly deviations: readonly string[];
  readonly evaluations: readonly ReportEvaluation[];
  readonly curves: readonly ReportCurve[];
  readonly samples: readonly ReportSample[];
  /** Names and values in the order of the page. */
  readonly configuration: Readonly<Record<string, string | number | boolean>>;
}
