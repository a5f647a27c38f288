import { afterEach, expect, test, vi } from "vitest";
import { interruptSignal } from "./interrupt.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("the first signal asks to stop, its echo is ignored, a later one ends the process", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const exit = vi.spyOn(process, "exit").mockImplementation((() => undefined) as never);
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const before = new Set(process.listeners("SIGINT"));
  const signal = interruptSignal("stopping");
  const onSignal = process.listeners("SIGINT").find((listener) => !before.has(listener))!;
  try {
    expect(signal.aborted).toBe(false);
    onSignal("SIGINT");
    expect(signal.aborted).toBe(true);
    expect(write).toHaveBeenCalledExactlyOnceWith("\nstopping (Ctrl-C again ends at once)\n");
    vi.advanceTimersByTime(50);
    onSignal("SIGINT");
    expect(exit).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    onSignal("SIGINT");
    expect(exit).toHaveBeenCalledExactlyOnceWith(130);
  } finally {
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
  }
});
