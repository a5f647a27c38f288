import { beforeAll, describe, expect, test } from "vitest";
import { backends, openFixture, readImage, useBackend } from "./family.ts";
import { compareEnds, control, lessons, trainFixture } from "./train-fixture.ts";

const openRun = async () => ({
  pictures: await Promise.all(["a", "b", "d", "e"].map((name) => readImage(`common/images/${name}.png`))),
  records: 4,
  rolloutsPerPrompt: 2,
  maxTokens: 8,
});

describe.each(backends.filter((backend) => backend !== "cpu"))("%s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(Object.entries(lessons))(
    "%s: the student comes closer to the teacher that sees the views",
    async (_, lesson) => {
      const steps = await trainFixture(openFixture("smolvlm"), await openRun(), { ...lesson, steps: 30 });
      const { first, last } = compareEnds(steps, 5);
      expect(first).toBeGreaterThan(0.05);
      expect(last).toBeLessThan(0.7 * first);
    },
  );

  test("control: a teacher that sees no more than the student has nothing to teach", async () => {
    const [first] = await trainFixture(openFixture("smolvlm"), await openRun(), control);
    expect(Math.abs(first!.divergence)).toBeLessThan(1e-5);
    expect(first!.gradientNorm).toBeLessThan(1e-5);
  });
});
