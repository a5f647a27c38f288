import { ImagineOpdError } from "@imagine-opd/protocol";
import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

const constantTeacher = defineOp<{ readonly where: string }>({
  name: "DistillationConstantTeacher",
  save: { inputs: false },
  compose: ([loss]) => tf.clone(loss!),
  gradient: (dy, _, { where }) => [
    () => tf.clone(dy),
    () => {
      throw new ImagineOpdError("unsupported", {
        where,
        problem: "a gradient was asked of the teacher, which is a constant of the loss.",
        remedy: "Compute what the teacher says outside of tf.grads and tf.variableGrads.",
      });
    },
  ],
});

/** The loss again, on a tape that throws when, and only when, a gradient is asked of the teacher. */
export function forbidTeacherGradient(where: string, loss: tf.Scalar, teacher: tf.Tensor2D): tf.Scalar {
  return constantTeacher([loss, teacher], { where }) as tf.Scalar;
}
