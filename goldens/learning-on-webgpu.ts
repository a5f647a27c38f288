import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Fixtures } from "./open-fixtures.ts";
import { compareEnds, control, lessons, trainFixture } from "./train-fixture.ts";

/** Learning on WebGPU in its smallest form, wherever the fixtures are read. */
export function testLearningOnWebgpu({ openFixture, readImage }: Fixtures): void {
  beforeAll(async () => {
    await openWebgpuBackend();
  });
  afterAll(() => closeWebgpuBackend());

  /** The run of `learning.test.ts` with a quarter of its records and half its rollouts a step. */
  const openRun = async () => ({
    pictures: await Promise.all([readImage("a"), readImage("b")]),
    records: 1,
    rolloutsPerPrompt: 4,
    maxTokens: 6,
  });

  test("the student comes closer to the teacher that sees the views", async () => {
    const steps = await trainFixture(openFixture("smolvlm"), await openRun(), { ...lessons["reverse KL"], steps: 20 });
    const { first, last } = compareEnds(steps, 3);
    expect(first).toBeGreaterThan(0.05);
    expect(last).toBeLessThan(0.7 * first);
  }, 600_000);

  test("control: a teacher that sees no more than the student has nothing to teach", async () => {
    const [first] = await trainFixture(openFixture("smolvlm"), await openRun(), control);
    expect(Math.abs(first!.divergence)).toBeLessThan(1e-5);
    expect(first!.gradientNorm).toBeLessThan(1e-5);
  }, 600_000);
}
