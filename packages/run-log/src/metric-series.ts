import { ImagineOpdError } from "@imagine-opd/protocol";
import type { LoggedStep } from "./read-metrics.ts";
import type { ReportSeries } from "./report.ts";
import { metricGroups } from "./step-metrics.ts";

/**
 * A metric over the steps, read back or still in memory, for a chart. Steps that did not log it are left out; numbers that were not finite leave a gap.
 * @param name group and name, for example `signal.k1TokenMean`
 * @throws invalid-argument for an unknown group, or a metric that is a list
 */
export function metricSeries(steps: readonly LoggedStep[], name: string, label: string = name): ReportSeries {
  const [groupName, metric = ""] = name.split(/\.(.*)/s);
  const group = metricGroups.find((known) => known === groupName);
  if (group === undefined) throw refused(name, `one of the groups ${metricGroups.join(", ")} and a metric's name`);
  const points = steps.flatMap((step) => {
    const y = step[group]?.[metric];
    if (y === undefined) return [];
    if (typeof y === "object" && y !== null) throw refused(name, "a metric of single numbers");
    return [{ x: step.step, y }];
  });
  return { label, points };
}

function refused(name: string, expected: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "run-log.metricSeries",
    problem: `\`name\` must be ${expected}, got "${name}".`,
  });
}
