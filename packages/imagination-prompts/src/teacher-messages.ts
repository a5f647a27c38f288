import { type ContentPart, ImagineOpdError, type Message, type RgbImage } from "@imagine-opd/protocol";
import { type PromptTemplates, renderTemplate } from "./prompt-template.ts";
import { promptTemplates } from "./prompt-templates.ts";
import { imageParts, questionParts, refuseMarker, systemTurn, type VisualQuestion } from "./visual-question.ts";

/** What the teacher may see. It changes the science, so it has no default. */
export interface Reveal {
  /** The evidence views. */
  readonly evidence: boolean;
  /** The labelled answer. */
  readonly groundTruth: boolean;
}

/** A question with what only the teacher may see. An `Example` of the protocol is one. */
export interface PrivilegedQuestion extends VisualQuestion {
  readonly views: readonly RgbImage[];
  readonly answer?: string;
}

export interface TeacherMessageOptions {
  readonly reveal: Reveal;
  /** @default promptTemplates */
  readonly templates?: PromptTemplates;
}

const where = "imagination-prompts.teacherMessages";

/**
 * The teacher's context (arXiv 2606.08719): a system turn of its own, then the student's user content followed by the
 * views and a labelled answer, as far as they are revealed. With nothing revealed it is the imagining student's context.
 * @throws invalid-data when evidence is asked for and there is no view, or the answer and there is none: the caller
 * decides whether to skip such a record, to reveal less, or to stop
 */
export function teacherMessages(input: PrivilegedQuestion, options: TeacherMessageOptions): Message[] {
  const { reveal, templates = promptTemplates } = options;
  const content: ContentPart[] = questionParts(input, templates, where);
  if (reveal.evidence) {
    if (input.views.length === 0) throw nothingToReveal("evidence", "views");
    content.push(...imageParts(input.views));
  }
  if (reveal.groundTruth) {
    const { answer } = input;
    if (answer === undefined || answer.trim() === "") throw nothingToReveal("groundTruth", "answer");
    refuseMarker(answer, "the answer", where);
    content.push({ type: "text", text: renderTemplate(templates, "answerLabel", { answer }) });
  }
  return [...systemTurn(templates, systemName(reveal)), { role: "user", content }];
}

function systemName({ evidence, groundTruth }: Reveal): keyof PromptTemplates {
  if (evidence) return groundTruth ? "teacherViewsAnswer" : "teacherViews";
  return groundTruth ? "teacherAnswer" : "student";
}

function nothingToReveal(option: keyof Reveal, missing: string): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `reveal.${option} is true, but the record has no ${missing}.`,
    remedy: `Skip the record, or set reveal.${option} to false for it and count it.`,
    details: { missing },
  });
}
