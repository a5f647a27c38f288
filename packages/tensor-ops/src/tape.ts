import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";

type TapeState = Pick<ReturnType<typeof tf.engine>["state"], "activeTape" | "gradientDepth" | "kernelDepth">;

/** The engine's fields that say whether and where it records. They are private, so their presence is checked. */
function tapeState(): TapeState {
  const { state } = tf.engine();
  const { gradientDepth, kernelDepth, activeTape } = state as Partial<TapeState>;
  const tapeFits = gradientDepth === 0 ? activeTape == null || Array.isArray(activeTape) : Array.isArray(activeTape);
  if (typeof gradientDepth === "number" && typeof kernelDepth === "number" && tapeFits) return state;
  throw new ImagineOpdError("missing-part", {
    where: "tensor-ops",
    problem: "this version of @tensorflow/tfjs-core does not tell where it records operations for gradients.",
    remedy: "Install @tensorflow/tfjs-core 4.22.",
  });
}

/** True inside `tf.grads` and its kin, but not inside a kernel: where an operation would be recorded. */
export function isTapeRecording(): boolean {
  const { gradientDepth, kernelDepth } = tapeState();
  return gradientDepth > 0 && kernelDepth === 0;
}

/** The operations recorded so far. */
export function recordedNodes(): TapeState["activeTape"] {
  return tapeState().activeTape ?? [];
}

/**
 * Runs `f` as if no gradient were being taken, so that it may take gradients of its own: in tfjs two of them cannot be
 * under way at once. Where `f` throws, the tensors that its own recording kept are freed.
 */
export function withTapeSetAside<Result>(f: () => Result): Result {
  const state = tapeState();
  const { activeTape, gradientDepth, kernelDepth } = state;
  Object.assign(state, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
  try {
    return f();
  } catch (error) {
    for (const { saved } of state.activeTape ?? []) tf.dispose(saved ?? []);
    throw error;
  } finally {
    Object.assign(state, { activeTape, gradientDepth, kernelDepth });
  }
}
