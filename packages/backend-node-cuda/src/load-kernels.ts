import { readFileSync } from "node:fs";
import * as os from "node:os";
import { join, resolve } from "node:path";
import * as util from "node:util";
import { compileFunction } from "node:vm";
import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import type { Binding, TensorFlowBackend } from "./binding.ts";

type BackendClass = new (binding: Binding, packageName: string) => TensorFlowBackend;

/** tfjs-node 4.22 calls these; Node 22 warns about one of them, and Node 23 removed both. */
const removedFromNode = {
  isArray: Array.isArray,
  isNullOrUndefined: (value: unknown) => value === undefined || value === null,
};

/** What the files of the package get for what they require. */
const provided: Readonly<Record<string, unknown>> = {
  // The union package would bring a second core, WebGL and layers; every name that the kernels use is in core.
  "@tensorflow/tfjs": tf,
  "@tensorflow/tfjs-core": tf,
  util: { ...util, ...removedFromNode },
  os,
  // Protocol buffers of TensorBoard summaries, which nothing here writes.
  "./proto/api_pb": {},
};

/** Runs CommonJS files of one package, each once, with `provided` for what lies outside. */
function createLoader(packageDirectory: string): (path: string) => Record<string, unknown> {
  const loaded = new Map<string, { exports: Record<string, unknown> }>();
  const load = (file: string): Record<string, unknown> => {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(file, module);
    const require = (specifier: string): unknown => {
      if (specifier in provided) return provided[specifier];
      if (specifier.startsWith(".")) return load(resolve(file, "..", `${specifier}.js`));
      throw new Error(`${file} requires ${specifier}, which tfjs-node 4.22 does not`);
    };
    const run = compileFunction(readFileSync(file, "utf8"), ["exports", "require", "module"], { filename: file });
    run(module.exports, require, module);
    return module.exports;
  };
  return (path) => load(join(packageDirectory, path));
}

/** What four kernels (ArgMax, ArgMin, Exp, Prelu) call as methods, which tensors have only in the union package. */
const tensorMethods = {
  add: (x: tf.Tensor, y: tf.Tensor) => tf.add(x, y),
  sub: (x: tf.Tensor, y: tf.Tensor) => tf.sub(x, y),
  mul: (x: tf.Tensor, y: tf.Tensor | number) => tf.mul(x, y),
  toInt: (x: tf.Tensor) => tf.cast(x, "int32"),
  toFloat: (x: tf.Tensor) => tf.cast(x, "float32"),
};

function addTensorMethods(): void {
  const prototype = tf.Tensor.prototype as unknown as Record<string, unknown>;
  for (const [name, method] of Object.entries(tensorMethods)) {
    prototype[name] ??= function (this: tf.Tensor, other: never) {
      return method(this, other);
    };
  }
}

/**
 * Registers the kernels of a tfjs-node package and returns its backend class, without the package's own start: that looks for
 * an addon inside the package, sets the backend, and fails on Node 23 and later.
 * @param packageDirectory the folder of tfjs-node or tfjs-node-gpu 4.22, which hold the same JavaScript
 * @throws unsupported when the files are not those of 4.22
 */
export function loadKernels(packageDirectory: string): BackendClass {
  try {
    const load = createLoader(packageDirectory);
    load("dist/register_all_kernels.js");
    addTensorMethods();
    return load("dist/nodejs_kernel_backend.js").NodeJSKernelBackend as BackendClass;
  } catch (cause) {
    throw new ImagineOpdError("unsupported", {
      where: "backend-node-cuda.openNodeBackend",
      problem: `the JavaScript of tfjs-node in ${packageDirectory} does not run: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy: "Install @tensorflow/tfjs-core and tfjs-node (or tfjs-node-gpu) 4.22.0, or run setup again.",
      details: { package: packageDirectory },
      cause,
    });
  }
}
