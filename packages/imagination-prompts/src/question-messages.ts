import type { Message, RgbImage } from "@imagine-opd/protocol";
import type { PromptTemplates } from "./prompt-template.ts";
import { promptTemplates } from "./prompt-templates.ts";
import { placeImages, questionParts, systemTurn, type VisualQuestion } from "./visual-question.ts";

/**
 * Pictures, then the question, in one user turn without a system turn: the model as its makers prompt it.
 * @throws mismatch when `<image>` markers and pictures differ in number
 */
export function rawMessages(images: readonly RgbImage[], question: string): Message[] {
  return [{ role: "user", content: placeImages(images, question, "imagination-prompts.rawMessages") }];
}

export interface DirectMessageOptions {
  /** @default promptTemplates */
  readonly templates?: PromptTemplates;
}

/**
 * A system turn that asks for the short answer in the answer tag without reasoning, then pictures and question.
 * @throws invalid-argument without a picture or a question; mismatch when `<image>` markers and pictures differ in number
 */
export function directMessages(input: VisualQuestion, options: DirectMessageOptions = {}): Message[] {
  const { templates = promptTemplates } = options;
  return [
    ...systemTurn(templates, "direct"),
    { role: "user", content: questionParts(input, templates, "imagination-prompts.directMessages") },
  ];
}
