import { expect, it, vi } from "vitest";
import { openWasmBackend } from "./index.ts";

// In a file of its own: tfjs does not start again in a process where its binary was not found.
it("says what to do when tfjs's binary is not found", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  await expect(openWasmBackend({ wasmPaths: "/nowhere/" })).rejects.toMatchObject({
    code: "missing-part",
    message: expect.stringContaining("pass `wasmPaths` with URLs"),
  });
});
