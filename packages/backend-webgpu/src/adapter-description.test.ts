import { expect, test } from "vitest";
import { describeAdapter } from "./adapter-description.ts";

function adapterOf(info: Partial<GPUAdapterInfo>, more: object = {}): GPUAdapter {
  return { info: { vendor: "", architecture: "", device: "", description: "", ...info }, ...more } as GPUAdapter;
}

test.each([
  ["Chromium's SwiftShader", { vendor: "google", architecture: "swiftshader" }],
  ["lavapipe", { vendor: "mesa", description: "llvmpipe (LLVM 19.1.0, 512 bits)" }],
  ["Windows without a driver", { vendor: "microsoft", description: "Microsoft Basic Render Driver" }],
  ["what the browser calls a fallback", { vendor: "nobody", isFallbackAdapter: true }],
])("%s is software", (_name, info) => {
  expect(describeAdapter(adapterOf(info)).software).toBe(true);
});

test("so is an adapter of older browsers that calls itself a fallback", () => {
  expect(describeAdapter(adapterOf({}, { isFallbackAdapter: true })).software).toBe(true);
});

test.each([
  ["an NVIDIA card", { vendor: "nvidia", architecture: "hopper", description: "NVIDIA H200" }],
  ["a card that its owner warps", { vendor: "amd", description: "Warpath 9000" }],
  ["one of which the browser says nothing", {}],
])("%s is not", (_name, info) => {
  expect(describeAdapter(adapterOf(info))).toMatchObject({ ...info, software: false });
});
