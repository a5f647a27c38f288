import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Policy, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import type { TeacherKind, TeacherState } from "./teacher.ts";

/** Where a teacher's weights come from: the part in which the kinds differ. */
export interface WeightSource {
  readonly view: WeightView;
  afterUpdate(): void;
  exportWeights(): Promise<TeacherState["weights"]>;
  importWeights(weights: TeacherState["weights"]): void;
  dispose(): void;
}

/** The source of a kind. */
export function openWeightSource(policy: Policy, kind: TeacherKind): WeightSource {
  if (kind.kind === "live") return viewSource({ kind: "student" });
  return kind.from === "base" ? viewSource({ kind: "base" }) : snapshotSource(policy);
}

/** Weights that the policy holds itself. */
function viewSource(view: WeightView): WeightSource {
  return {
    view,
    afterUpdate() {},
    exportWeights: async () => ({}),
    importWeights(weights) {
      checkNames(Object.keys(weights), []);
    },
    dispose() {},
  };
}

/** A copy taken from memory: a path or a hub id would miss what was trained before. */
function snapshotSource({ trainable }: Policy): WeightSource {
  const names = Object.keys(trainable);
  let copies: tf.NamedTensorMap = mapNames(names, (name) => copyTensor(trainable[name]!));
  return {
    get view(): WeightView {
      return { kind: "replaced", trainable: copies };
    },
    afterUpdate() {},
    async exportWeights() {
      const values = await Promise.all(names.map((name) => copies[name]!.data<"float32">()));
      // `data()` may hand out the backend's own buffer.
      return mapNames(names, (_, index) => values[index]!.slice());
    },
    importWeights(weights) {
      checkNames(Object.keys(weights), names);
      for (const name of names) checkLength(name, weights[name]!.length, trainable[name]!.size);
      const imported = mapNames(names, (name) => tf.tensor(weights[name]!.slice(), trainable[name]!.shape, "float32"));
      tf.dispose(copies);
      copies = imported;
    },
    dispose() {
      tf.dispose(copies);
    },
  };
}

/** `tf.clone` shares its buffer with the variable, and an optimiser's kernel may write into that; times one is bit-equal. */
function copyTensor(tensor: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(tensor, 1));
}

function mapNames<Value>(
  names: readonly string[],
  value: (name: string, index: number) => Value,
): Record<string, Value> {
  return Object.fromEntries(names.map((name, index) => [name, value(name, index)]));
}

function checkNames(got: readonly string[], expected: readonly string[]): void {
  const missing = expected.filter((name) => !got.includes(name));
  const unknown = got.filter((name) => !expected.includes(name));
  if (missing.length + unknown.length === 0) return;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.importState",
    problem: `expected ${expected.length} weights of this policy; missing: [${missing}], unknown: [${unknown}].`,
    remedy: "Load the state into a teacher of the policy that it was exported from.",
    details: { missing, unknown },
  });
}

function checkLength(name: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new ImagineOpdError("mismatch", {
    where: "privileged-teacher.importState",
    problem: `expected ${expected} values of "${name}", got ${got}.`,
    remedy: "Load the state into a teacher of the policy that it was exported from.",
    details: { name, expected, got },
  });
}
