import { expect, test } from "vitest";
import { heatClass, heatStyle, renderHeat } from "./heat.ts";

test("half a nat is a level, six at most, on the side of the sign", () => {
  expect([0, 0.24, 0.26, 1, 3, 50].map(heatClass)).toEqual(["", "", "m1", "m2", "m6", "m6"]);
  expect([-0.24, -0.26, -1, -50].map(heatClass)).toEqual(["", "l1", "l2", "l6"]);
  expect(heatClass(Number.NaN)).toBe("");
  for (const kind of ["m1", "m6", "l1", "l6"]) expect(heatStyle).toContain(`.${kind} {`);
});

test("a token carries colour, direction and both log-probs; its space stays outside", () => {
  expect(renderHeat({ text: " 3", student: -2.25, teacher: 0 }, -0.25)).toBe(
    ' <i class="m4" title="student -2.25, teacher -0.25: +2.00 nats">3</i>',
  );
  expect(renderHeat({ text: "so", student: -1, teacher: 0 }, -1.1)).toBe(
    '<i title="student -1.00, teacher -1.10: -0.10 nats">so</i>',
  );
  expect(renderHeat({ text: "\n ", student: 0, teacher: 0 }, -9)).toBe("\n ");
});

test("text is escaped, and an impossible token is shown as such", () => {
  expect(renderHeat({ text: "<b>", student: -1, teacher: 0 }, -Infinity)).toBe(
    '<i class="l6" title="student -1.00, teacher -Infinity: -Infinity nats">&lt;b&gt;</i>',
  );
});
