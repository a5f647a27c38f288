import { ImagineOpdError } from "@imagine-opd/protocol";
import { engine } from "@tensorflow/tfjs-core";

/** True inside `tf.grads` and `tf.variableGrads`, but not inside an op: where a new op would be put on the tape. */
export function isTapeRecording(where: string): boolean {
  const { gradientDepth, kernelDepth } = engine().state;
  if (typeof gradientDepth !== "number" || typeof kernelDepth !== "number")
    throw new ImagineOpdError("missing-part", {
      where,
      problem: "this version of @tensorflow/tfjs-core does not tell whether its tape is recording.",
      remedy: "Install @tensorflow/tfjs-core 4.22.",
    });
  return gradientDepth > 0 && kernelDepth === 0;
}
