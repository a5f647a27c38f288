import { expect, test } from "vitest";
import { adviseOn } from "./collapse-advice.ts";

test("what collapsed, by how much, and what to do about it under this teacher", () => {
  const collapse = { step: 16, what: "right answers", from: 0.4, to: 0.16, signal: [0.04, 0.016] } as const;
  const seen =
    "collapse at step 16: right answers fell from 40 % to 16 % of the rollouts, the signal went from 0.040 to 0.016 nats a token.";
  expect(adviseOn(collapse, "live")).toBe(
    `${seen} The teacher (live) follows the student and confirms whatever it drifts to. Take one that stands still (frozen: the default of the preset imagine-opd), or a slower average.`,
  );
  expect(adviseOn(collapse, "frozen")).toBe(
    `${seen} Check that the views belong to the pictures, and lower the learning rate.`,
  );
  expect(adviseOn({ ...collapse, signal: [Number.NaN, Number.NaN] }, "frozen")).toContain(
    "16 % of the rollouts. Check",
  );
});
