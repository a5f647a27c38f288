import { ImagineOpdError } from "@imagine-opd/protocol";

/** The gradient of a row kernel: there is none, because the losses put theirs on the tape themselves. */
export function neverOnTheTape(kernel: string): never {
  throw new ImagineOpdError("unsupported", {
    where: `distillation-loss.${kernel}`,
    problem: "this kernel is not differentiable by itself.",
    remedy: "Call the loss functions, which bring their own gradient.",
  });
}
