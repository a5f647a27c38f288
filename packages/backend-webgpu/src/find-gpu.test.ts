import { afterEach, expect, test, vi } from "vitest";
import { findGpu, withNavigatorGpu } from "./find-gpu.ts";

const gpu = { requestAdapter: async () => null } as unknown as GPU;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("webgpu");
  vi.resetModules();
});

test("a host's own WebGPU is taken as it is", async () => {
  vi.stubGlobal("navigator", { gpu });
  const source = await findGpu("test");
  expect(source).toMatchObject({ provider: "host" });
  expect(source.gpu).toBe(gpu);
});

test("Node gets Dawn, and the global scope back", async () => {
  vi.stubGlobal("navigator", undefined);
  class GPUBuffer {}
  vi.doMock("webgpu", () => ({ create: () => gpu, globals: { GPUBuffer, GPUAdapter: class {} } }));
  const source = await findGpu("test");
  expect(source.provider).toBe("dawn");
  expect(source.gpu).toBe(gpu);
  expect(globalThis).toHaveProperty("GPUBuffer", GPUBuffer);
  expect(globalThis).not.toHaveProperty("GPUAdapter");
  source.release();
  expect(globalThis).not.toHaveProperty("GPUBuffer");
});

test("Node without the package is told its name", async () => {
  vi.stubGlobal("navigator", undefined);
  vi.doMock("webgpu", () => {
    throw new Error("Cannot find package 'webgpu'");
  });
  await expect(findGpu("backend-webgpu.openWebgpuBackend")).rejects.toMatchObject({
    code: "missing-part",
    message: expect.stringMatching(
      /^backend-webgpu.openWebgpuBackend: Node has no WebGPU of its own, .* npm i webgpu$/,
    ),
  });
});

test("a page from an insecure origin is told why", async () => {
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("process", undefined);
  vi.stubGlobal("isSecureContext", false);
  await expect(findGpu("test")).rejects.toThrow("was not loaded from a secure origin. Serve it over https");
});

test.each([
  ["without a navigator", undefined],
  ["with a navigator", {}],
])("navigator.gpu is there while it is asked for, and gone afterwards, %s", (_name, navigator) => {
  vi.stubGlobal("navigator", navigator);
  if (navigator === undefined) delete (globalThis as { navigator?: unknown }).navigator;
  expect(withNavigatorGpu(gpu, () => globalThis.navigator.gpu)).toBe(gpu);
  expect(() =>
    withNavigatorGpu(gpu, () => {
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(globalThis.navigator?.gpu).toBe(undefined);
});
