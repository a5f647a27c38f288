import { type ContentPart, ImagineOpdError, type Message, type RgbImage } from "@imagine-opd/protocol";
import { type PromptTemplates, renderTemplate } from "./prompt-template.ts";

/** One option of a multiple-choice question. */
export interface Choice {
  /** Usually a letter. */
  readonly key: string;
  readonly text: string;
}

/** What the student is asked. An `Example` of the protocol is one. */
export interface VisualQuestion {
  /** At least one. They stand before the question, or where it says `<image>`. */
  readonly images: readonly RgbImage[];
  /** Either without `<image>` or with one `<image>` for each picture. */
  readonly question: string;
  /** Options, appended to the question one a line. Leave out when the question already holds them. */
  readonly choices?: readonly Choice[];
}

/** The spelling that marks a picture's place in a question; processors of several models read it as an image token. */
export const imageMarker = "<image>";

/** Image parts. */
export function imageParts(images: readonly RgbImage[]): ContentPart[] {
  return images.map((image) => ({ type: "image", image }));
}

/** The system turn, or none when the template's text is empty. */
export function systemTurn(templates: PromptTemplates, name: keyof PromptTemplates): Message[] {
  const text = renderTemplate(templates, name);
  return text === "" ? [] : [{ role: "system", content: [{ type: "text", text }] }];
}

/** Pictures, question and options as parts of a user turn. */
export function questionParts(input: VisualQuestion, templates: PromptTemplates, where: string): ContentPart[] {
  const { images, question, choices = [] } = input;
  if (images.length === 0 || question.trim() === "") {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `expected a question and at least one picture, got ${images.length} pictures and the question "${question}".`,
      remedy: "Leave such records out of the data.",
    });
  }
  const lines = choices.map(({ key, text }) => {
    refuseMarker(text, `the option "${key}"`, where);
    return `\n${renderTemplate(templates, "choice", { key, text })}`;
  });
  return placeImages(images, question + lines.join(""), where);
}

/** Pictures first, then the text; or each picture at its marker, the text around it verbatim. */
export function placeImages(images: readonly RgbImage[], text: string, where: string): ContentPart[] {
  const pieces = text.split(imageMarker);
  const markers = pieces.length - 1;
  if (markers === 0) return [...imageParts(images), { type: "text", text }];
  if (markers !== images.length) {
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `the question holds ${markers} ${imageMarker} markers for ${images.length} pictures.`,
      remedy: "Give one marker for each picture, or none to put the pictures first.",
      details: { markers, images: images.length },
    });
  }
  return pieces.flatMap((piece, index): ContentPart[] => [
    ...(index === 0 ? [] : imageParts([images[index - 1]!])),
    ...(piece === "" ? [] : [{ type: "text" as const, text: piece }]),
  ]);
}

/** A marker in any other text would become an image token that no picture belongs to. */
export function refuseMarker(text: string, what: string, where: string): void {
  if (!text.includes(imageMarker)) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `${what} contains ${imageMarker}, got "${text}".`,
    remedy: "Only the question may place pictures; remove the marker.",
  });
}
