export { type Collapse, createCollapseAlarm } from "./collapse.ts";
export { describeNumbers, type NumberSummary } from "./describe-numbers.ts";
export { formatEvaluations } from "./evaluations-file.ts";
export { encodeEventFileStart, encodeStepEvent } from "./event-file.ts";
export { findAlarms } from "./find-alarms.ts";
export { metricSeries } from "./metric-series.ts";
export { formatMetricsLine } from "./metrics-line.ts";
export { type LoggedStep, type LoggedValue, readMetrics } from "./read-metrics.ts";
export { renderReport } from "./render-report.ts";
export type {
  ReportComparison,
  ReportComparisonRun,
  ReportCurve,
  ReportDistance,
  ReportEvaluation,
  ReportSeries,
  ReportStatement,
  RunReport,
  ShareInterval,
} from "./report.ts";
export type { ReportMove, ReportPicture, ReportSample, ReportToken, ReportTranscript } from "./report-sample.ts";
export { formatRolloutLine, type RolloutEntry } from "./rollout-line.ts";
export { createRunLog, type RunLog, type RunLogSinks } from "./run-log.ts";
export { formatSampleLine, readSamples, type SampleEntry } from "./sample-line.ts";
export {
  type DataMetrics,
  type FormatMetrics,
  type MetricGroup,
  type MetricGroupName,
  metricGroups,
  type OptimiserMetrics,
  type PolicyMetrics,
  type RolloutMetrics,
  type SignalMetrics,
  type StepMetrics,
  type SystemMetrics,
  type TaskMetrics,
} from "./step-metrics.ts";
