import type { PromptTemplates } from "@imagine-opd/imagination-prompts";

/** Side of one cell of a digit, pixels: the model sees a quarter of it. */
export const smallGlyph = 4;
export const largeGlyph = 5;

/** The warm-up draws training scenes below this index, every later training above it: they never meet. */
export const firstTrainingScene = 25_000;

const silent = (id: string) => ({ id: `silent-${id}`, version: 1, text: "" });

/** The tiny model learned its task from examples, in no other words than the question's: no role has a system turn. */
export const signPrompts = {
  student: silent("student"),
  studentPlain: silent("student-plain"),
  teacherViews: silent("teacher-views"),
  teacherAnswer: silent("teacher-answer"),
  teacherViewsAnswer: silent("teacher-views-answer"),
  direct: silent("direct"),
} as const satisfies Partial<PromptTemplates>;
