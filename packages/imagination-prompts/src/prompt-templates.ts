import type { PromptTemplates } from "./prompt-template.ts";

/**
 * The prompts of this project, in its own wording. To change one, spread them:
 * `{ ...promptTemplates, example: { id: "example", version: 2, text: "…" } }`.
 */
export const promptTemplates: PromptTemplates = {
  task: {
    id: "task",
    version: 1,
    text: "Answer the question about the picture. Reason step by step in plain text.",
  },
  imagination: {
    id: "imagination",
    version: 1,
    text:
      "When a small detail matters, you may imagine a closer look: name the region in words, mentally zoom in on it, " +
      "and describe what becomes visible. This is thought only, never an action or a tool call.\nExample: {example}",
  },
  example: {
    id: "example",
    version: 1,
    text:
      "Looking over the station, the clock above the left door matters. I mentally zoom in on that clock. Up close I " +
      "see the short hand at 3 and the long hand at 12. So it is three o'clock. <answer>3:00</answer>",
  },
  ending: {
    id: "ending",
    version: 1,
    text:
      "End with <answer>ANSWER</answer> and nothing after it. With options, ANSWER is one letter; if none fits your " +
      "reasoning, choose the most plausible once and stop.",
  },
  hiddenViews: {
    id: "hidden-views",
    version: 1,
    text:
      "Extra pictures follow the question: what stands before the question is the original, what stands after it are " +
      "enlarged views of parts of the original. They are hidden support. Learn from them where to look and what is " +
      "there; whatever a view helps you to see, restate as a closer look that you imagine. Once you know the region, " +
      "reason as if there were only the original: never mention further pictures, views or their number.",
  },
  hiddenAnswer: {
    id: "hidden-answer",
    version: 1,
    text:
      "A labelled answer follows the question. It is hidden support. Let it lead you to the evidence in the picture, " +
      "and never say or hint that an answer was given.",
  },
  hiddenSolution: {
    id: "hidden-solution",
    version: 1,
    text:
      "A reference solution of the question follows it. It is hidden support. Let it lead you to the evidence in the " +
      "picture, and never say or hint that a solution was given.",
  },
  hiddenDemonstration: {
    id: "hidden-demonstration",
    version: 1,
    text:
      "Another attempt at the question, which was right, follows it. It is hidden support. Let it lead you to the " +
      "evidence in the picture, and never say or hint that an attempt was given.",
  },
  student: { id: "student", version: 1, text: "{task}\n{imagination}\n{ending}" },
  studentPlain: { id: "student-plain", version: 1, text: "{task}\n{ending}" },
  teacherViews: { id: "teacher-views", version: 1, text: "{task}\n{imagination}\n{hiddenViews}\n{ending}" },
  teacherAnswer: { id: "teacher-answer", version: 1, text: "{task}\n{imagination}\n{hiddenAnswer}\n{ending}" },
  teacherViewsAnswer: {
    id: "teacher-views-answer",
    version: 1,
    text: "{task}\n{imagination}\n{hiddenViews}\n{hiddenAnswer}\n{ending}",
  },
  direct: {
    id: "direct",
    version: 1,
    text:
      "Answer the question about the picture. Do not explain: reply with <answer>ANSWER</answer> alone, where ANSWER " +
      "is a word or a short phrase, or one letter when there are options.",
  },
  choice: { id: "choice", version: 1, text: "({key}) {text}" },
  // On the question's line: a line break of its own would make the answer look like a turn that the student lacks.
  answerLabel: { id: "answer-label", version: 1, text: " Labelled answer: {answer}" },
  solutionLabel: { id: "solution-label", version: 1, text: " Reference solution: {answer}" },
  demonstrationLabel: { id: "demonstration-label", version: 1, text: " Successful attempt: {answer}" },
};
