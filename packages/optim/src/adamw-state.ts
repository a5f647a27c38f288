import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Variable } from "@tensorflow/tfjs-core";
import { checkNames, checkShape } from "./check-names.ts";

const where = "optim.importState";

/** Everything that an AdamW remembers, on the host. */
export interface AdamWState {
  /** Updates made. */
  readonly step: number;
  /** By variable: running average of the gradient (`first`) and of its square (`second`), row-major, of the variable's shape. */
  readonly moments: Readonly<Record<string, MomentState>>;
}

/** Both moments of one variable, row-major float32: running means of the gradient and of its square. */
export interface MomentState {
  readonly shape: readonly number[];
  /** `m` of AdamW. */
  readonly first: Float32Array;
  /** `v` of AdamW. */
  readonly second: Float32Array;
}

/** Throws `mismatch` or `invalid-argument` unless the state fits the variables. */
export function checkState({ step, moments }: AdamWState, variables: Readonly<Record<string, Variable>>): void {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `\`step\` must be an integer from 0, got ${step}.`,
    });
  }
  checkNames(variables, moments, "moment", where);
  for (const [name, variable] of Object.entries(variables)) {
    const { shape, first, second } = moments[name]!;
    checkShape(variable.shape, shape, { what: "moment", name, where });
    for (const [part, values] of Object.entries({ first, second })) {
      if (values.length === variable.size) continue;
      throw new ImagineOpdError("mismatch", {
        where,
        problem: `\`${part}\` of "${name}" must hold ${variable.size} numbers, got ${values.length}.`,
        details: { name, part, expected: variable.size, got: values.length },
      });
    }
  }
}
