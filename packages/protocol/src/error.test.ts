import { expect, expectTypeOf, test, vi } from "vitest";
import { type ErrorCode, ImagineOpdError, isImagineOpdError, throwIfAborted } from "./error.ts";

test("the message is the place, the problem and the remedy, in that order", () => {
  const error = new ImagineOpdError("invalid-argument", {
    where: "package.function",
    problem: "`rank` must be positive, got 0.",
    remedy: "Pass 8.",
    details: { rank: 0 },
  });
  expect(error.message).toBe("package.function: `rank` must be positive, got 0. Pass 8.");
  expect(String(error)).toBe(`ImagineOpdError: ${error.message}`);
  expect(error).toMatchObject({ code: "invalid-argument", details: { rank: 0 } });
  expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
});

test("without a remedy, details or a cause, nothing stands in for them", () => {
  const error = new ImagineOpdError("disposed", { where: "a.b", problem: "it is gone." });
  expect(error.message).toBe("a.b: it is gone.");
  expect(error.details).toEqual({});
  expect("cause" in error).toBe(false);
});

test("the cause is kept as it is, also when it is falsy", () => {
  const cause = new TypeError("inner");
  expect(new ImagineOpdError("invalid-data", { where: "a.b", problem: "p.", cause }).cause).toBe(cause);
  expect(new ImagineOpdError("invalid-data", { where: "a.b", problem: "p.", cause: null }).cause).toBeNull();
});

test("an error of another copy of the package is recognised, though it is no instance of this one's class", async () => {
  vi.resetModules();
  const copy = await import("./error.ts");
  const theirs = new copy.ImagineOpdError("aborted", { where: "a.b", problem: "p." });
  expect(theirs).not.toBeInstanceOf(ImagineOpdError);
  expect(isImagineOpdError(theirs)).toBe(true);
  expect(copy.isImagineOpdError(new ImagineOpdError("aborted", { where: "a.b", problem: "p." }))).toBe(true);
});

test("other things are not recognised, whatever they are called", () => {
  const lookalike = Object.assign(new Error("a.b: p."), { name: "ImagineOpdError", code: "aborted" });
  for (const thing of [lookalike, new Error(), null, undefined, "ImagineOpdError", {}]) {
    expect(isImagineOpdError(thing)).toBe(false);
  }
});

test("the mark is no part of what is printed or copied", () => {
  const error = new ImagineOpdError("aborted", { where: "a.b", problem: "p." });
  expect(Object.keys(error).sort()).toEqual(["code", "details", "name"]);
  expect(Object.getOwnPropertySymbols({ ...error })).toEqual([]);
});

test("throwIfAborted passes without a signal and before it fires, then throws with the reason", () => {
  const controller = new AbortController();
  expect(() => throwIfAborted(undefined, "a.b")).not.toThrow();
  expect(() => throwIfAborted(controller.signal, "a.b")).not.toThrow();
  controller.abort("enough");
  let caught: unknown;
  try {
    throwIfAborted(controller.signal, "trainer.train");
  } catch (error) {
    caught = error;
  }
  expect(isImagineOpdError(caught)).toBe(true);
  expect(caught).toMatchObject({
    code: "aborted",
    cause: "enough",
    message: "trainer.train: stopped by the caller's AbortSignal.",
  });
});
