import type { LessonName } from "./lessons.ts";

/** Some exercises of one lesson in a step. */
export interface Part {
  readonly lesson: LessonName;
  readonly count: number;
  /** Weight of its mean loss. */
  readonly weight: number;
}

export interface Stage {
  readonly name: string;
  /** Most steps. */
  readonly steps: number;
  /** Ends the stage early: when the mean loss of a lesson over its last {@link untilWindow} times falls below, nats a token. */
  readonly until?: { readonly lesson: LessonName; readonly loss: number };
  readonly learningRate: number;
  /** Rate at the last of `steps`. @default learningRate */
  readonly lastLearningRate?: number;
  /** The parts of a step, counted from 0 within the stage. */
  readonly parts: (step: number) => readonly Part[];
}

/** How often a lesson was learned when a stage may end. */
export const untilWindow = 20;

/** Stages that share an optimiser. Weights are saved after them, and a warm-up that was stopped goes on from there. */
export interface Phase {
  readonly name: string;
  readonly stages: readonly Stage[];
}

const part = (lesson: LessonName, count: number, weight: number): Part => ({ lesson, count, weight });
const inTurn = <Item>(items: readonly Item[], step: number): Item => items[step % items.length]!;

const rate = { learningRate: 1e-3 };

/**
 * How the tiny model learns to read, from nothing: views, then where things are, then digits in the whole picture, then to
 * find a sign's digit by its name, then the questions. Each ability needs the one before it, and none begins to grow at a
 * step that could be told beforehand: stages end when their lesson is learned. Small signs are never labelled with their
 * digit in the whole picture.
 */
export const curriculum: readonly Phase[] = [
  {
    name: "see",
    stages: [
      {
        ...rate,
        name: "views",
        steps: 500,
        until: { lesson: "read-view", loss: 0.3 },
        parts: () => [part("read-view", 64, 1)],
      },
      {
        ...rate,
        name: "cells",
        steps: 300,
        parts: (step) => [
          part(inTurn(["list-shapes", "list-colours"] as const, step), 32, 1),
          part("read-view", 8, 0.5),
        ],
      },
      {
        ...rate,
        name: "digits",
        steps: 700,
        until: { lesson: "list-digits", loss: 0.5 },
        parts: () => [part("list-digits", 40, 1), part("place-few", 16, 0.5), part("read-view", 6, 0.5)],
      },
    ],
  },
  {
    name: "find",
    stages: [
      {
        ...rate,
        name: "places",
        steps: 1200,
        until: { lesson: "place-signs", loss: 0.15 },
        parts: () => [
          part("place-few", 16, 0.5),
          part("place-signs", 24, 1),
          part("list-digits", 12, 0.5),
          part("read-view", 6, 0.5),
        ],
      },
      {
        ...rate,
        name: "signs",
        steps: 900,
        until: { lesson: "read-signs", loss: 0.2 },
        parts: () => [part("read-signs", 36, 1), part("list-digits", 8, 0.25), part("read-view", 6, 0.5)],
      },
    ],
  },
  {
    name: "answer",
    stages: [
      {
        ...rate,
        name: "questions",
        steps: 400,
        parts: () => [
          part("ask-student", 16, 0.5),
          part("ask-teacher", 16, 0.5),
          part("conclude-larger", 24, 0.5),
          part("read-signs", 12, 0.4),
          part("read-view", 4, 0.2),
        ],
      },
      {
        ...rate,
        name: "comparisons",
        steps: 500,
        lastLearningRate: 1e-4,
        parts: () => [
          part("ask-student", 8, 0.25),
          part("ask-teacher", 12, 0.4),
          part("compare-student", 8, 0.25),
          part("compare-teacher", 12, 0.4),
          part("conclude-larger", 24, 0.5),
          part("read-signs", 8, 0.2),
          part("read-view", 4, 0.2),
        ],
      },
    ],
  },
];
