import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTrajectory } from "./parse-trajectory.ts";

const moves = (text: string) => parseTrajectory(text).moves.map(({ kind, text: span }) => `${kind}: ${span}`);

describe("parseTrajectory", () => {
  test("cuts one round into its four moves", () => {
    const text =
      "I scan the beach and find a kite near the pier. I mentally zoom in on the kite. I can see a red cloth. " +
      "Thus the kite is red. <answer>red</answer>";
    expect(moves(text)).toEqual([
      "locate: I scan the beach and find a kite near the pier.",
      "invoke: I mentally zoom in on the kite.",
      "reveal: I can see a red cloth.",
      "commit: Thus the kite is red. <answer>red</answer>",
    ]);
    expect(parseTrajectory(text)).toMatchObject({ rounds: 1, answer: "red", tag: "closed", afterAnswer: "" });
  });

  test("counts two rounds and joins neighbouring sentences of one move", () => {
    const text =
      "Looking at the left side, a boat matters. I imagine a closer look at it. It shows a number. It reads 12. " +
      "Next I inspect the right side. I mentally crop the second boat. There is a 7. <answer>19</answer>";
    expect(moves(text)).toEqual([
      "locate: Looking at the left side, a boat matters.",
      "invoke: I imagine a closer look at it.",
      "reveal: It shows a number. It reads 12.",
      "locate: Next I inspect the right side.",
      "invoke: I mentally crop the second boat.",
      "reveal: There is a 7.",
      "commit: <answer>19</answer>",
    ]);
    expect(parseTrajectory(text).rounds).toBe(2);
  });

  test("cuts a sentence that imagines and perceives", () => {
    expect(moves("Mentally zooming in on the sign, I see a fish. <answer>fish</answer>")).toEqual([
      "invoke: Mentally zooming in on the sign,",
      "reveal: I see a fish.",
      "commit: <answer>fish</answer>",
    ]);
    expect(moves("I imagine a closer view and it shows 3.5 litres.")).toEqual([
      "invoke: I imagine a closer view",
      "reveal: and it shows 3.5 litres.",
    ]);
  });

  test("plain reasoning has no imagined operation and no round", () => {
    const { moves: found, rounds } = parseTrajectory("I look at the kite. I see that it is red. <answer>red</answer>");
    expect(found.map(({ kind }) => kind)).toEqual(["locate", "commit"]);
    expect(rounds).toBe(0);
  });

  test("zooming without a mental word is an action, not an imagined operation", () => {
    expect(moves("I zoom in on the kite with the tool.")).toEqual([]);
  });

  test("an imagined operation that shows nothing is no round", () => {
    expect(parseTrajectory("I mentally zoom in on the kite. <answer>red</answer>").rounds).toBe(0);
  });

  test("without a tag nothing is committed; an open tag commits", () => {
    expect(moves("So the kite is red.")).toEqual([]);
    expect(parseTrajectory("So it is red. <answer>red")).toMatchObject({
      tag: "open",
      moves: [{ kind: "commit", start: 0, end: 25 }],
    });
  });

  test("empty text", () => {
    expect(parseTrajectory("")).toEqual({ moves: [], rounds: 0, tag: "missing", afterAnswer: "" });
  });

  test("moves of any text are ordered, disjoint spans of it", () => {
    const piece = fc.constantFrom(
      "I look at the sign",
      "I mentally zoom in",
      "Imagining a crop, I see a dog",
      "It shows 3.5",
      "So it is",
      "<answer>",
      "</answer>",
      ". ",
      "\n",
      "?!",
      ", ",
      " ",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
        const text = pieces.join("");
        const { moves: found, rounds } = parseTrajectory(text);
        let position = 0;
        for (const move of found) {
          expect(move.start).toBeGreaterThanOrEqual(position);
          expect(move.end).toBeGreaterThan(move.start);
          expect(move.text).toBe(text.slice(move.start, move.end));
          position = move.end;
        }
        expect(position).toBeLessThanOrEqual(text.length);
        expect(rounds).toBeLessThanOrEqual(found.filter(({ kind }) => kind === "invoke").length);
      }),
    );
  });
});
