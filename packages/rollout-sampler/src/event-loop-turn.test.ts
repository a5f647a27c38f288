import { expect, test } from "vitest";
import { createTurnTaker } from "./event-loop-turn.ts";

test("timers fire during a loop that would otherwise hold them back", async () => {
  const loop = async (turns: number, intervalMs: number): Promise<boolean> => {
    let fired = false;
    const timer = setTimeout(() => {
      fired = true;
    }, 0);
    const takeTurn = createTurnTaker(intervalMs);
    for (let i = 0; i < turns; i++) {
      const end = performance.now() + 1;
      while (performance.now() < end);
      await takeTurn();
    }
    clearTimeout(timer);
    return fired;
  };
  expect(await loop(10, 2)).toBe(true);
  expect(await loop(10, 60_000)).toBe(false);
});
