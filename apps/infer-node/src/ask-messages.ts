import { directMessages, type PromptTemplates, rawMessages, studentMessages } from "@imagine-opd/imagination-prompts";
import type { Message, RgbImage } from "@imagine-opd/protocol";

/**
 * How the question is put.
 *
 * - `imagine`: as the trained student gets it, with imagined closer looks
 * - `direct`: with the wish for the short answer at once
 * - `raw`: pictures and question alone, nothing banned: the model as its makers prompt it
 */
export const promptKinds = ["imagine", "direct", "raw"] as const;
export type PromptKind = (typeof promptKinds)[number];

/** The conversation that asks one question. Only `raw` takes a question without pictures. */
export function askMessages(
  prompt: PromptKind,
  images: readonly RgbImage[],
  question: string,
  templates: PromptTemplates,
): Message[] {
  switch (prompt) {
    case "imagine":
      return studentMessages({ images, question }, { imagination: "on", templates });
    case "direct":
      return directMessages({ images, question }, { templates });
    case "raw":
      return rawMessages(images, question);
  }
}
