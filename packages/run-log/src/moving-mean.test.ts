import { expect, test } from "vitest";
import { movingMean } from "./moving-mean.ts";

test("each point becomes the mean of its neighbours that are there", () => {
  const points = [1, 2, 6, 3].map((y, x) => ({ x, y }));
  expect(movingMean(points, 1)).toEqual([
    { x: 0, y: 1.5 },
    { x: 1, y: 3 },
    { x: 2, y: 11 / 3 },
    { x: 3, y: 4.5 },
  ]);
  expect(movingMean(points, 0)).toEqual(points);
});
