import * as tf from "@tensorflow/tfjs-core";
import { expect, test, vi } from "vitest";
import { openBackend } from "./backend.ts";

test("cpu computes, differentiates and does not advertise", async () => {
  const spoken = (["log", "info", "warn", "error"] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation(() => undefined),
  );
  expect(await openBackend("cpu")).toMatchObject({ name: "cpu", chosen: "by name" });
  expect(tf.getBackend()).toBe("cpu");
  const gradient = tf.tidy(
    () =>
      tf
        .grad((x) => tf.div(tf.square(x), 2))(tf.scalar(3))
        .dataSync()[0],
  );
  expect(gradient).toBe(3);
  for (const spy of spoken) expect(spy).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

test("auto takes wasm where nothing else is set up, and says so and that nobody named it", async () => {
  vi.stubEnv("XDG_CACHE_HOME", "/nowhere");
  const opened = await openBackend("auto");
  vi.unstubAllEnvs();
  expect(opened).toMatchObject({ name: "wasm", chosen: "automatically", details: { threads: 1 } });
  expect(opened.passedOver).toEqual({
    cuda: "not set up",
    "tensorflow-cpu": "not set up",
    webgpu: expect.stringMatching(/^no Vulkan driver$|found no adapter|is a software one/),
  });
  expect(opened.details).toHaveProperty("kernels");
  expect(tf.getBackend()).toBe("wasm");
});
