export { describeNumbers, type NumberSummary } from "./describe-numbers.ts";
export { metricSeries } from "./metric-series.ts";
export { formatMetricsLine } from "./metrics-line.ts";
export { type LoggedStep, type LoggedValue, readMetrics } from "./read-metrics.ts";
export { renderReport } from "./render-report.ts";
export type {
  ReportCurve,
  ReportEvaluation,
  ReportSample,
  ReportSeries,
  ReportToken,
  ReportTranscript,
  RunReport,
} from "./report.ts";
export { formatRolloutLine, type RolloutEntry } from "./rollout-line.ts";
export { createRunLog, type RunLog, type RunLogSinks } from "./run-log.ts";
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
