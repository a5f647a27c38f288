import { describe, expect, it } from "vitest";
import { checkFileName } from "./check-file-name.ts";

describe("checkFileName", () => {
  it.each(["model.safetensors", "checkpoints/step-10/state.json", "..data", "a..b"])("takes %s", (name) => {
    expect(() => checkFileName(name, "host.test")).not.toThrow();
  });

  it.each(["", ".", "..", "../a", "a/../../b", "/etc/passwd", "a//b", "a/", "a\\b", "C:/a", "c:a", "a\0b"])(
    "refuses %j",
    (name) => {
      expect(() => checkFileName(name, "host.test")).toThrow(/^host\.test: a file name must be relative/);
    },
  );
});
