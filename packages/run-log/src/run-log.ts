import { formatMetricsLine } from "./metrics-line.ts";
import { formatRolloutLine, type RolloutEntry } from "./rollout-line.ts";
import type { StepMetrics } from "./step-metrics.ts";

/** Where lines go. Each call gets one line with its line break; the promise resolves when it is stored. */
export interface RunLogSinks {
  metrics(line: string): Promise<void>;
  rollouts(line: string): Promise<void>;
}

export interface RunLog {
  /** Appends one line to the metrics. */
  logStep(metrics: StepMetrics): Promise<void>;
  /** Appends one line to the rollouts. */
  logRollout(entry: RolloutEntry): Promise<void>;
}

/** Writes the log of a run: `metrics.jsonl`, one line a step, and `rollouts.jsonl`, one line a completion. */
export function createRunLog(sinks: RunLogSinks): RunLog {
  return {
    logStep: async (metrics) => sinks.metrics(`${formatMetricsLine(metrics)}\n`),
    logRollout: async (entry) => sinks.rollouts(`${formatRolloutLine(entry)}\n`),
  };
}
