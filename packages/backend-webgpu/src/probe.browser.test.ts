import { probe, probePassed } from "@imagine-opd/tensor-ops/probe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeWebgpuBackend, openWebgpuBackend } from "./index.ts";

beforeAll(async () => {
  await openWebgpuBackend();
});
afterAll(() => closeWebgpuBackend());

test("everything that training needs is computed, forward and backward", async () => {
  const rows = await probe();
  expect(rows.filter((row) => !probePassed([row]))).toEqual([]);
  expect(rows.length).toBeGreaterThan(60);
}, 600_000);
