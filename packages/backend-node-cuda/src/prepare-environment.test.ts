import { expect, test } from "vitest";
import { prepareEnvironment } from "./prepare-environment.ts";

test("CUDA grows its memory and keeps float32", () => {
  const env = {};
  prepareEnvironment({ device: "cuda", tf32: "off" }, env);
  expect(env).toEqual({
    TF_CPP_MIN_LOG_LEVEL: "3",
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    NVIDIA_TF32_OVERRIDE: "0",
  });
});

test("TF32 that is asked for is not forbidden by what was set before", () => {
  const env = { NVIDIA_TF32_OVERRIDE: "0" };
  prepareEnvironment({ device: "cuda", tf32: "on" }, env);
  expect(env).not.toHaveProperty("NVIDIA_TF32_OVERRIDE");
});

test("a CPU needs none of it, and what the user set stays", () => {
  const env = { TF_CPP_MIN_LOG_LEVEL: "0", TF_FORCE_GPU_ALLOW_GROWTH: "false" };
  prepareEnvironment({ device: "cpu", tf32: "off" }, env);
  prepareEnvironment({ device: "cuda", tf32: "off" }, env);
  expect(env).toMatchObject({ TF_CPP_MIN_LOG_LEVEL: "0", TF_FORCE_GPU_ALLOW_GROWTH: "false" });
});
