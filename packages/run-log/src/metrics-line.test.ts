import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatMetricsLine } from "./metrics-line.ts";
import { readMetrics } from "./read-metrics.ts";

test("groups stand in their order, names in alphabetical order, absent ones are left out", () => {
  const line = formatMetricsLine({
    system: { seconds: 1.5 },
    optimiser: { loss: 0.25, gradientNorm: 2, teacherDistance: undefined },
    signal: { k1TokenMean: -0.5, byDecile: [1, 2] },
    policy: {},
    step: 3,
  });
  expect(line).toBe(
    '{"step":3,"signal":{"byDecile":[1,2],"k1TokenMean":-0.5},"optimiser":{"gradientNorm":2,"loss":0.25},"system":{"seconds":1.5}}',
  );
});

test("numbers that JSON lacks become null and are named", () => {
  const line = formatMetricsLine({
    step: 1,
    signal: { k1TokenMean: Number.NaN, byDecile: [1, Infinity] },
    optimiser: { loss: -Infinity },
  });
  expect(line).toBe(
    '{"step":1,"signal":{"byDecile":[1,null],"k1TokenMean":null},"optimiser":{"loss":null},' +
      '"nonFinite":["signal.byDecile[1]","signal.k1TokenMean","optimiser.loss"]}',
  );
});

test("a step that is no whole number is refused", () => {
  expect(() => formatMetricsLine({ step: 1.5 })).toThrow(
    "run-log.formatMetricsLine: `step` must be a whole number from 0, got 1.5.",
  );
});

test("what was written is read back, for any metrics", () => {
  const group = fc.dictionary(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(fc.array(group), (groups) => {
      const steps = groups.map((task, i) => ({ step: i + 1, task }));
      const { steps: read, torn } = readMetrics(steps.map((step) => `${formatMetricsLine(step)}\n`).join(""));
      expect(torn).toBe(false);
      expect(read.map(({ step, task = {} }) => ({ step, task }))).toEqual(
        // JSON has no negative zero.
        JSON.parse(JSON.stringify(steps)),
      );
    }),
  );
});
