import { type ContentPart, ImagineOpdError, type Message, type RgbImage } from "@imagine-opd/protocol";
import { type PromptTemplates, renderTemplate } from "./prompt-template.ts";
import { promptTemplates } from "./prompt-templates.ts";
import { imageParts, questionParts, refuseMarker, systemTurn, type VisualQuestion } from "./visual-question.ts";

/** What the teacher may see. It changes the science, so it has no default. */
export interface Reveal {
  /** The evidence views. */
  readonly evidence: boolean;
  /** The labelled answer or, for `solution`, the reference solution in its place (OPSD, arXiv 2601.18734). */
  readonly groundTruth: boolean | "solution";
}

/** A question with what only the teacher may see. An `Example` of the protocol is one. */
export interface PrivilegedQuestion extends VisualQuestion {
  readonly views: readonly RgbImage[];
  readonly answer?: string;
  /** A worked solution that ends in the answer. */
  readonly solution?: string;
}

/** What the teacher's context shows, and its wording. */
export interface TeacherMessageOptions {
  readonly reveal: Reveal;
  /** @default promptTemplates */
  readonly templates?: PromptTemplates;
}

const where = "imagination-prompts.teacherMessages";

/**
 * The teacher's context (arXiv 2606.08719): a system turn of its own, then the student's user content followed by the
 * views and a labelled answer or reference solution, as far as they are revealed. With nothing revealed it is the imagining
 * student's context.
 * @throws invalid-data when evidence is asked for and there is no view, or the answer or solution and there is none: the
 * caller decides whether to skip such a record, to reveal less, or to stop
 */
export function teacherMessages(input: PrivilegedQuestion, options: TeacherMessageOptions): Message[] {
  const { reveal } = options;
  const templates = wordGroundTruth(reveal, options.templates ?? promptTemplates);
  const content: ContentPart[] = questionParts(input, templates, where);
  if (reveal.evidence) {
    if (input.views.length === 0) throw nothingToReveal("evidence", "views");
    content.push(...imageParts(input.views));
  }
  if (reveal.groundTruth) {
    const shown = reveal.groundTruth === "solution" ? "solution" : "answer";
    const { [shown]: answer } = input;
    if (answer === undefined || answer.trim() === "") throw nothingToReveal("groundTruth", shown);
    refuseMarker(answer, `the ${shown}`, where);
    content.push({ type: "text", text: renderTemplate(templates, "answerLabel", { answer }) });
  }
  return [...systemTurn(templates, systemName(reveal)), { role: "user", content }];
}

/** The templates with the words for a solution in the places of those for an answer, where one is revealed. */
function wordGroundTruth({ groundTruth }: Reveal, templates: PromptTemplates): PromptTemplates {
  if (groundTruth !== "solution") return templates;
  return { ...templates, hiddenAnswer: templates.hiddenSolution, answerLabel: templates.solutionLabel };
}

function systemName({ evidence, groundTruth }: Reveal): keyof PromptTemplates {
  if (evidence) return groundTruth ? "teacherViewsAnswer" : "teacherViews";
  return groundTruth ? "teacherAnswer" : "student";
}

function nothingToReveal(option: keyof Reveal, missing: "views" | "answer" | "solution"): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `reveal.${option} is ${missing === "solution" ? '"solution"' : "true"}, but the record has no ${missing}.`,
    remedy: `Skip the record, or set reveal.${option} to false for it and count it.`,
    details: { missing },
  });
}
