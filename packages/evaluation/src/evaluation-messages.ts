import {
  directMessages,
  type PromptTemplates,
  studentMessages,
  teacherMessages,
} from "@imagine-opd/imagination-prompts";
import { type Example, ImagineOpdError, type Message, type RgbImage } from "@imagine-opd/protocol";
import type { EvaluationMode } from "./evaluation-report.ts";

/**
 * What a mode shows the model of an example; of mode `zoom` the first turn, which is that of `imagine`.
 * @throws invalid-data in mode `oracle` for an example without views
 */
export function evaluationMessages(example: Example, mode: EvaluationMode, templates?: PromptTemplates): Message[] {
  const wording = templates === undefined ? {} : { templates };
  switch (mode) {
    case "imagine":
    case "zoom":
      return studentMessages(example, { imagination: "on", ...wording });
    case "direct":
      return directMessages(example, wording);
    case "blank":
      return studentMessages({ ...example, images: example.images.map(blankImage) }, { imagination: "on", ...wording });
    case "oracle":
      if (example.views.length === 0) throw noViews(example);
      return teacherMessages(example, { reveal: { evidence: true, groundTruth: false }, ...wording });
    default:
      throw new ImagineOpdError("invalid-argument", {
        where: "evaluation.evaluate",
        problem: `\`mode\` must be direct, imagine, zoom, blank or oracle, got "${mode}".`,
      });
  }
}

/** A picture of the same size in the grey that is the mean of all its bytes. */
export function blankImage({ width, height, data }: RgbImage): RgbImage {
  const mean = data.reduce((sum, byte) => sum + byte, 0) / data.length;
  return { width, height, data: new Uint8Array(data.length).fill(Math.round(mean)) };
}

function noViews({ id }: Example): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where: "evaluation.evaluate",
    problem: `mode oracle shows the evidence views, and record \`${id}\` has none.`,
    remedy: "Evaluate a set whose records all have regions.",
    details: { id },
  });
}
