import { expect, test } from "vitest";
import { requestDevice } from "./request-device.ts";

const wishes = { softwareAdapter: "allow", limits: {} } as const;
const refusal = new Error("too many devices");
const refusing = {
  info: { vendor: "maker", architecture: "", device: "", description: "" },
  features: new Set(),
  limits: {},
  requestDevice: () => Promise.reject(refusal),
};
const gpuOf = (adapter: unknown) => ({ requestAdapter: async () => adapter }) as unknown as GPU;

test.each([
  ["host", /Update the browser, and switch on hardware acceleration .* and WebGPU/, /Vulkan|driver/],
  ["dawn", /On Linux, install the Vulkan loader and the card's driver, .* VK_DRIVER_FILES/, /browser|chrome/],
] as const)("without an adapter, %s is told what helps there", async (provider, remedy, elsewhere) => {
  const error = await requestDevice({ gpu: gpuOf(null), provider }, wishes, "test").catch((reason: Error) => reason);
  expect(error).toMatchObject({ code: "missing-part", details: { provider } });
  expect((error as Error).message).toMatch(/^test: WebGPU is there, and it found no adapter\. /);
  expect((error as Error).message).toMatch(remedy);
  expect((error as Error).message).not.toMatch(elsewhere);
});

test.each([
  ["host", "Close other programs that use the GPU, or restart the browser."],
  ["dawn", "Close other programs that use the GPU."],
] as const)("without a device, %s is told the adapter's words", async (provider, remedy) => {
  await expect(requestDevice({ gpu: gpuOf(refusing), provider }, wishes, "test")).rejects.toMatchObject({
    code: "missing-part",
    message: `test: the adapter gave no device: too many devices ${remedy}`,
    cause: refusal,
  });
});
