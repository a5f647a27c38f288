import { expect, it } from "vitest";
import { requireWasmInternals } from "./wasm-internals.ts";

/** As much of tfjs's wasm backend as the check looks at. */
function fakeBackend(memory: WebAssembly.Memory): Record<string, unknown> {
  const nothing = (): void => {};
  return {
    wasm: { HEAPU8: new Uint8Array(1), asm: { memory }, _malloc: nothing, _free: nothing },
    dataIdMap: new Map(),
    makeOutput: nothing,
    typedArrayFromHeap: nothing,
    incRef: nothing,
    disposeData: nothing,
  };
}

it("takes a backend with every field", () => {
  const backend = fakeBackend(new WebAssembly.Memory({ initial: 1 }));
  expect(requireWasmInternals(backend)).toBe(backend);
});

it("names the fields that another version lacks", () => {
  const { makeOutput: _, ...backend } = fakeBackend(new WebAssembly.Memory({ initial: 1 }));
  expect(() => requireWasmInternals({ ...backend, wasm: { HEAPU8: new Uint8Array(1) } })).toThrow(
    "wasm.asm.memory, wasm._malloc, wasm._free, makeOutput is not there (tfjs-core is 4.22.0).",
  );
});

it("refuses memory that threads share", () => {
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  expect(() => requireWasmInternals(fakeBackend(shared))).toThrow("was started with threads");
});
