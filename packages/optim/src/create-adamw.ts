import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import type { AdamW, AdamWOptions } from "./adamw.ts";
import { checkState, type MomentState } from "./adamw-state.ts";
import { type Moments, updateScalars, updateVariable } from "./adamw-update.ts";
import { checkNames, checkShape } from "./check-names.ts";

type Variables = Readonly<Record<string, tf.Variable>>;

function requireRange(where: string, name: string, value: number, below = Number.POSITIVE_INFINITY): void {
  if (value >= 0 && value < below) return;
  const range = below === Number.POSITIVE_INFINITY ? "a finite number from 0" : `from 0, below ${below}`;
  throw new ImagineOpdError("invalid-argument", { where, problem: `\`${name}\` must be ${range}, got ${value}.` });
}

function requireFinite(name: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw new ImagineOpdError("non-finite", {
    where: "optim.step",
    problem: `\`${name}\` must be a finite number, got ${value}.`,
    remedy: "Check the norm of the gradients before the step, and skip it or stop.",
    details: { name, value },
  });
}

function checkGradients(variables: Variables, gradients: Readonly<Record<string, tf.Tensor>>): void {
  const where = "optim.step";
  checkNames(variables, gradients, "gradient", where);
  for (const [name, variable] of Object.entries(variables)) {
    checkShape(variable.shape, gradients[name]!.shape, { what: "gradient", name, where });
  }
}

async function readMoments(shape: readonly number[], { first, second }: Moments): Promise<MomentState> {
  const [firstData, secondData] = await Promise.all([first.data<"float32">(), second.data<"float32">()]);
  // The cpu backend gives out its own memory: copy.
  return { shape: [...shape], first: firstData.slice(), second: secondData.slice() };
}

function uploadMoments({ shape, first, second }: MomentState): Moments {
  const upload = (values: Float32Array) => tf.tensor(values.slice(), [...shape], "float32");
  return { first: upload(first), second: upload(second) };
}

/** The running averages by name. They survive a surrounding `tf.tidy`. */
function createMomentStore(variables: Variables) {
  const store = new Map<string, Moments>();
  const set = (name: string, { first, second }: Moments): void => {
    const old = store.get(name);
    store.set(name, { first: tf.keep(first), second: tf.keep(second) });
    if (old !== undefined) tf.dispose([old.first, old.second]);
  };
  for (const [name, variable] of Object.entries(variables)) {
    set(name, { first: tf.zerosLike(variable), second: tf.zerosLike(variable) });
  }
  return {
    get: (name: string): Moments => store.get(name)!,
    set,
    dispose(): void {
      for (const { first, second } of store.values()) tf.dispose([first, second]);
      store.clear();
    },
  };
}

/**
 * AdamW as `torch.optim.AdamW`, for step t, gradient g, rate η, decay λ (Loshchilov and Hutter, arXiv 1711.05101):
 *
 *     w ← (1 - ηλ) w      m ← β₁ m + (1 - β₁) g      v ← β₂ v + (1 - β₂) g²
 *     w ← w - η · m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + ε)
 *
 * Weights and averages are float32; the bias corrections are computed in float64.
 *
 * @param variables what the steps change, by the names that the gradients will have; they stay the caller's
 * @throws invalid-argument for no variable, or an option out of range
 */
export function createAdamW(
  variables: Variables,
  { learningRate = 1e-3, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 }: AdamWOptions = {},
): AdamW {
  const where = "optim.createAdamW";
  requireRange(where, "learningRate", learningRate);
  requireRange(where, "betas[0]", betas[0], 1);
  requireRange(where, "betas[1]", betas[1], 1);
  requireRange(where, "epsilon", epsilon);
  requireRange(where, "weightDecay", weightDecay);
  if (Object.keys(variables).length === 0) {
    throw new ImagineOpdError("invalid-argument", { where, problem: "`variables` is empty." });
  }
  const moments = createMomentStore(variables);
  let stepCount = 0;
  let disposed = false;
  const requireAlive = (method: string) => {
    if (!disposed) return;
    throw new ImagineOpdError("disposed", { where: `optim.${method}`, problem: "the optimiser was disposed." });
  };

  return {
    get stepCount() {
      return stepCount;
    },
    step(gradients, { learningRate: rate = learningRate, gradientScale = 1 } = {}) {
      requireAlive("step");
      requireFinite("learningRate", rate);
      requireRange("optim.step", "learningRate", rate);
      requireFinite("gradientScale", gradientScale);
      checkGradients(variables, gradients);
      tf.tidy(() => {
        const settings = { learningRate: rate, gradientScale, betas, epsilon, weightDecay };
        const scalars = updateScalars(settings, stepCount + 1);
        for (const [name, variable] of Object.entries(variables)) {
          moments.set(name, updateVariable(variable, gradients[name]!, moments.get(name), scalars));
        }
      });
      stepCount += 1;
    },
    async exportState() {
      requireAlive("exportState");
      const step = stepCount;
      // All reads begin before the first await, so that a step made meanwhile does not mix in.
      const entries = Object.entries(variables).map(
        async ([name, { shape }]) => [name, await readMoments(shape, moments.get(name))] as const,
      );
      return { step, moments: Object.fromEntries(await Promise.all(entries)) };
    },
    importState(state) {
      requireAlive("importState");
      checkState(state, variables);
      for (const [name, moment] of Object.entries(state.moments)) moments.set(name, uploadMoments(moment));
      stepCount = state.step;
    },
    dispose() {
      moments.dispose();
      disposed = true;
    },
  };
}
