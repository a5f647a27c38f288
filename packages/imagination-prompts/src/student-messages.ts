import type { Message } from "@imagine-opd/protocol";
import type { PromptTemplates } from "./prompt-template.ts";
import { promptTemplates } from "./prompt-templates.ts";
import { questionParts, systemTurn, type VisualQuestion } from "./visual-question.ts";

export interface StudentMessageOptions {
  /** `on`: the prompt allows imagined closer looks and shows one. `off`: step-by-step reasoning without them. */
  readonly imagination: "on" | "off";
  /** @default promptTemplates */
  readonly templates?: PromptTemplates;
}

/**
 * The student's context: system turn, then one user turn of the pictures and the question (arXiv 2606.08719). It never
 * holds views or the answer, whatever else `input` carries.
 * @throws invalid-argument without a picture or a question; mismatch when `<image>` markers and pictures differ in number
 */
export function studentMessages(input: VisualQuestion, options: StudentMessageOptions): Message[] {
  const { imagination, templates = promptTemplates } = options;
  return [
    ...systemTurn(templates, imagination === "on" ? "student" : "studentPlain"),
    { role: "user", content: questionParts(input, templates, "imagination-prompts.studentMessages") },
  ];
}
