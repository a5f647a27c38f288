import { expect, test } from "vitest";
import { createControlledSource } from "./controlled-source.ts";
import { createSceneSource } from "./scene-source.ts";

const crop = { shape: "square", output: { kind: "fixed", width: 16, height: 16 } } as const;
const source = createSceneSource({ seed: 1, count: 4, family: "compare", size: 64, glyphScale: [1, 1] }, crop);

test("the views are others, and all else is the record's own", async () => {
  for (const control of ["shuffled", "blank", "noise"] as const) {
    const controlled = createControlledSource(source, control, 0);
    expect(controlled.fingerprint).not.toBe(source.fingerprint);
    const [own, other] = [await source.load(1), await controlled.load(1)];
    expect({ ...other, views: [] }).toEqual({ ...own, views: [] });
    expect(other.views.map(({ width, height }) => [width, height])).toEqual(own.views.map(() => [16, 16]));
    other.views.forEach((view, i) => {
      expect(view.data).not.toEqual(own.views[i]!.data);
    });
  }
});

test("shuffled shows views of another record, blank mid grey", async () => {
  const others = await Promise.all([0, 2, 3].map(async (index) => (await source.load(index)).views));
  const shuffled = (await createControlledSource(source, "shuffled", 5).load(1)).views;
  expect(others.flat().map(({ data }) => data)).toContainEqual(shuffled[0]!.data);
  const [blank] = (await createControlledSource(source, "blank", 5).load(1)).views;
  expect(new Set(blank!.data)).toEqual(new Set([128]));
});
