import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import { isTapeRecording, recordedNodes, withTapeSetAside } from "./tape.ts";

type Computation<Result extends tf.Tensor> = (...inputsAndConstants: tf.Tensor[]) => Result;

function isVariable(tensor: tf.Tensor): tensor is tf.Variable {
  return tensor instanceof tf.Variable;
}

/** A trainable weight that is no input would be left without its gradient, and nothing would say so. */
function refuseHiddenWeights(inputs: readonly tf.Tensor[]): void {
  const known = new Set(inputs.map(({ id }) => id));
  for (const { inputs: used } of recordedNodes()) {
    for (const tensor of Object.values(used)) {
      if (!isVariable(tensor) || !tensor.trainable || known.has(tensor.id)) continue;
      throw new ImagineOpdError("invalid-argument", {
        where: "tensor-ops.recompute",
        problem: `the computation uses the trainable variable "${tensor.name}", which is not among \`inputs\`.`,
        remedy: "Pass every trainable variable as an input; otherwise its gradient would be lost.",
        details: { variable: tensor.name },
      });
    }
  }
}

function differentiateAgain<Result extends tf.Tensor>(
  f: Computation<Result>,
  inputs: readonly tf.Tensor[],
  constants: readonly tf.Tensor[],
  dy: Result,
): tf.Tensor[] {
  return withTapeSetAside(() =>
    tf.tidy(() => {
      const forward = () => {
        const value = f(...inputs, ...constants);
        refuseHiddenWeights(inputs);
        return value;
      };
      const { grads } = tf.engine().gradients(forward, [...inputs], dy, true);
      return inputs.map((input, i) => grads[i] ?? tf.zerosLike(input));
    }),
  );
}

/**
 * `f(...inputs, ...constants)`, of which only these arguments are kept for the backward pass: there `f` runs a second time
 * (Chen et al., arXiv 1604.06174). Values and gradients are those of calling `f`; memory between the passes is bought with
 * one more forward pass. Where no gradient is being taken, `f` just runs.
 *
 * Gradients arrive at `inputs` and nowhere else: name every trainable variable that `f` uses. Variables reach `f` as
 * themselves. What `f` closes over instead of taking it as a constant must live until the backward pass. `f` must give the
 * same result both times. Second derivatives are not supported.
 * @param constants tensors that `f` reads and that get no gradient; they may be disposed before the backward pass
 * @throws invalid-argument in the backward pass, when `f` used a trainable variable that is not an input
 */
export function recompute<Result extends tf.Tensor>(
  f: Computation<Result>,
  inputs: readonly tf.Tensor[],
  constants: readonly tf.Tensor[] = [],
): Result {
  if (!isTapeRecording()) return tf.tidy(() => f(...inputs, ...constants));
  const taped = tf.customGrad<Result>((...inputsAndSave) => {
    const save = inputsAndSave.at(-1) as unknown as tf.GradSaveFunc;
    save([...inputs, ...constants].filter((tensor) => !isVariable(tensor)));
    return {
      value: f(...inputs, ...constants),
      gradFunc: (dy, saved) => {
        if (isTapeRecording()) {
          throw new ImagineOpdError("unsupported", {
            where: "tensor-ops.recompute",
            problem: "a second derivative was asked for.",
            remedy: "Call the computation directly.",
          });
        }
        let next = 0;
        const restore = (tensor: tf.Tensor) => (isVariable(tensor) ? tensor : saved[next++]!);
        return differentiateAgain(f, inputs.map(restore), constants.map(restore), dy as Result);
      },
    };
  });
  return taped(...inputs);
}
