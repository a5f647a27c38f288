import type { PrivilegedQuestion, Reveal } from "@imagine-opd/imagination-prompts";
import { ImagineOpdError, type RgbImage } from "@imagine-opd/protocol";

/**
 * What a teacher is shown in place of its privileged context, to see what of it teaches.
 *
 * - `shuffled`, `random-box`, `blank`, `noise`: other pictures in the place of the views, made by whoever can crop
 *   (`controlViews` of region-cropper)
 * - `answer-only`: no view, the labelled answer
 * - `none`: neither; only the teacher's role is left
 */
export type TeacherControl = "none" | "shuffled" | "random-box" | "blank" | "noise" | "answer-only";

export interface ControlPrivilegeOptions {
  /** What the teacher would see without a control. */
  readonly reveal: Reveal;
  /** Pictures in the place of the views, as many as there are views; for the four kinds that show some. */
  readonly pictures?: readonly RgbImage[];
}

/** What `teacherPrompt` takes. */
export interface ControlledPrivilege {
  readonly question: PrivilegedQuestion;
  readonly reveal: Reveal;
}

const where = "privileged-teacher.controlPrivilege";

/**
 * The question and what is revealed of it under a control.
 * @throws invalid-argument when pictures are missing, given for nothing, or `reveal` shows no view that they could replace;
 * mismatch when their number differs from the views', or one is the view itself, so that nothing would be controlled
 */
export function controlPrivilege(
  question: PrivilegedQuestion,
  control: TeacherControl,
  { reveal, pictures }: ControlPrivilegeOptions,
): ControlledPrivilege {
  switch (control) {
    case "none":
    case "answer-only": {
      if (pictures !== undefined) refuse(`the control "${control}" shows no pictures, and some were given.`);
      return { question: { ...question, views: [] }, reveal: { evidence: false, groundTruth: control !== "none" } };
    }
    case "shuffled":
    case "random-box":
    case "blank":
    case "noise": {
      if (!reveal.evidence) refuse(`the control "${control}" replaces views, and reveal.evidence is false.`);
      if (pictures === undefined) return refuse(`the control "${control}" needs \`pictures\`.`);
      checkPictures(question.views, pictures, control);
      return { question: { ...question, views: pictures }, reveal };
    }
    default:
      return refuse(`\`control\` must be none, shuffled, random-box, blank, noise or answer-only, got ${control}.`);
  }
}

function checkPictures(views: readonly RgbImage[], pictures: readonly RgbImage[], control: TeacherControl): void {
  const same = views.findIndex((view, i) => pictures[i] !== undefined && isSamePicture(view, pictures[i]));
  if (views.length === pictures.length && same < 0) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem:
      same < 0
        ? `the control "${control}" needs a picture for each of ${views.length} views, got ${pictures.length}.`
        : `picture ${same} of the control "${control}" is view ${same} itself.`,
    remedy: "Make them with controlViews of region-cropper, from this record and its views.",
    details: { control, views: views.length, pictures: pictures.length },
  });
}

function isSamePicture(a: RgbImage, b: RgbImage): boolean {
  return a.width === b.width && a.height === b.height && a.data.every((byte, i) => byte === b.data[i]);
}

function refuse(problem: string): never {
  throw new ImagineOpdError("invalid-argument", { where, problem });
}
