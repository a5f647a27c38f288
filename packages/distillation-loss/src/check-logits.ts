import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Tensor2D } from "@tensorflow/tfjs-core";

/** Refuses what is not `[rows, columns]` of numbers. */
export function requireMatrix(where: string, name: string, tensor: Tensor2D): void {
  if (tensor.shape.length === 2 && tensor.dtype === "float32") return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `${name} must be a float32 tensor of rank 2, got ${tensor.dtype} of shape [${tensor.shape.join(", ")}].`,
  });
}

/** Refuses a teacher whose logits have another shape than the student's. */
export function requireSameShape(where: string, student: Tensor2D, teacher: Tensor2D): void {
  requireMatrix(where, "teacher", teacher);
  if (student.shape[0] === teacher.shape[0] && student.shape[1] === teacher.shape[1]) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem: `student and teacher must have one shape, got [${student.shape.join(", ")}] and [${teacher.shape.join(", ")}].`,
  });
}
