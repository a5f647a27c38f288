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
  readonly steps: number;
  readonly learningRate: number;
  /** Rate at the end of the stage. @default learningRate */
  readonly lastLearningRate?: number;
  /** The parts of a step, counted from 0 within the stage. */
  readonly parts: (step: number) => readonly Part[];
}

const part = (lesson: LessonName, count: number, weight: number): Part => ({ lesson, count, weight });
const inTurn = <Item>(items: readonly Item[], step: number): Item => items[step % items.length]!;

/** Stages that share an optimiser. Weights are saved after them, and a warm-up that was stopped goes on from there. */
export interface Phase {
  readonly name: string;
  readonly stages: readonly Stage[];
}

/**
 * How the tiny model learns to read, from nothing: views first, then where things are, then digits in the whole picture,
 * then the questions. Small signs are never labelled with their digit in the whole picture.
 */
export const curriculum: readonly Phase[] = [
  {
    name: "see",
    stages: [
      { name: "views", steps: 500, learningRate: 1e-3, parts: () => [part("read-view", 64, 1)] },
      {
        name: "cells",
        steps: 250,
        learningRate: 1e-3,
        parts: (step) => [
          part(inTurn(["list-shapes", "list-colours"] as const, step), 32, 1),
          part("read-view", 8, 0.5),
        ],
      },
      {
        name: "places",
        steps: 500,
        learningRate: 1e-3,
        parts: (step) => [
          part("place-signs", 32, 1),
          part(inTurn(["list-colours", "list-shapes", "list-digits"] as const, step), 16, 0.5),
          part("read-view", 8, 0.5),
        ],
      },
      {
        name: "digits",
        steps: 500,
        learningRate: 1e-3,
        parts: (step) => [
          part(inTurn(["read-signs", "list-digits"] as const, step), 32, 1),
          part("place-signs", 16, 0.5),
          part("read-view", 8, 0.5),
        ],
      },
      {
        name: "questions",
        steps: 650,
        learningRate: 1e-3,
        parts: () => [
          part("ask-student", 16, 0.5),
          part("ask-teacher", 16, 0.5),
          part("read-signs", 8, 0.25),
          part("read-view", 12, 0.25),
        ],
      },
    ],
  },
  {
    name: "read",
    stages: [
      {
        name: "reading",
        steps: 700,
        learningRate: 1e-3,
        parts: (step) => [
          part(inTurn(["read-signs", "list-digits"] as const, step), 24, 1),
          part("place-signs", 24, 0.75),
          part("ask-student", 8, 0.25),
          part("ask-teacher", 8, 0.25),
          part("read-view", 4, 0.25),
        ],
      },
      {
        name: "answers",
        steps: 500,
        learningRate: 1e-3,
        parts: () => [
          part("ask-student", 16, 0.5),
          part("ask-teacher", 12, 0.4),
          part("read-signs", 16, 0.5),
          part("read-view", 8, 0.25),
        ],
      },
    ],
  },
  {
    name: "compare",
    stages: [
      {
        name: "comparisons",
        steps: 500,
        learningRate: 1e-3,
        lastLearningRate: 1e-4,
        parts: () => [
          part("ask-student", 8, 0.25),
          part("ask-teacher", 12, 0.4),
          part("compare-student", 8, 0.25),
          part("compare-teacher", 12, 0.4),
          part("read-signs", 8, 0.2),
          part("read-view", 8, 0.2),
        ],
      },
    ],
  },
];
