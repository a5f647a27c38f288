import { type Adapter, createAdapter, matchModules, readAdapter } from "@imagine-opd/lora";
import { type FileSource, ImagineOpdError, readJson } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import { storeHalf } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { type ModelConfig, readModelConfig } from "./config/model-config.ts";
import { createPolicy } from "./model/policy.ts";
import type { Recompute } from "./model/run-layers.ts";
import { type HostRows, readHostRows } from "./model/token-embedding.ts";
import { embeddingName, headName, isVisionWeight, positionName } from "./model/weight-names.ts";
import { adapterNames, createWeightStore, type WeightStore } from "./model/weight-store.ts";
import { openProcessor, type VisionLanguageProcessor } from "./processor/processor.ts";
import { openWeights, type WeightFile } from "./read-weights.ts";
import type { Trainable } from "./trainable.ts";

export interface OpenModelOptions {
  /** @default { kind: "none" } */
  readonly trainable?: Trainable;
  /** A PEFT adapter to load on top of the checkpoint. */
  readonly adapter?: FileSource;
  /** Whether large pictures become tiles. @default as the checkpoint says */
  readonly imageSplitting?: "on" | "off";
  /**
   * What a training step keeps between its two passes: everything (`none`), or only the input of each decoder and vision
   * layer, which the backward pass then runs a second time (`layers`). The numbers are the same.
   * @default "none"
   */
  readonly recompute?: Recompute;
  /**
   * What the linear maps that do not train take on the device: 32 or 16 bits a number. They are computed with in float32
   * either way. In 16 bits, as `storeHalf` of `tensor-ops` rounds them, weights published in BF16 stay exact from 2⁻¹⁴ on.
   * The backend must know 16 bits, as `backend-webgpu` does.
   * @default "f32"
   */
  readonly frozenStorage?: FrozenStorage;
}

/** Bits of a number on the device. */
export type FrozenStorage = "f32" | "f16";

/** An opened checkpoint. */
export interface VisionLanguageModel {
  readonly config: ModelConfig;
  readonly processor: VisionLanguageProcessor;
  readonly policy: Policy;
  /** The adapters in use: loaded or fresh. Their numbers are those at opening; the current ones are in `policy.trainable`. */
  readonly adapter: Adapter | undefined;
  /** Parameters of the model, adapters not counted. */
  readonly parameterCount: number;
  /** Tensors in the files that the model does not use. */
  readonly unusedTensors: readonly string[];
  /** Where the weights came from. */
  readonly files: FileSource;
  readonly weights: WeightFile;
  readonly store: WeightStore;
  dispose(): void;
}

function fail(problem: string, remedy: string): never {
  throw new ImagineOpdError("invalid-argument", { where: "vision-language-model.openModel", problem, remedy });
}

async function chooseAdapter(
  trainable: Trainable,
  weights: WeightFile,
  files: FileSource | undefined,
): Promise<Adapter | undefined> {
  if (trainable.kind === "lora") {
    if (files !== undefined)
      fail(
        "a loaded adapter and fresh LoRA adapters were both asked for.",
        'Use trainable { kind: "adapter" } to train the loaded one.',
      );
    const linears = [...weights.shapes].filter(
      ([name, shape]) =>
        (shape.length === 2 && name.includes("_proj.")) || /\.(fc[12]|proj)\.weight$/.test(name) || name === headName,
    );
    const modules = new Map(linears.map(([name, shape]) => [name.slice(0, -".weight".length), shape]));
    const chosen = matchModules([...modules.keys()], trainable.targetModules);
    if (chosen.length === 0)
      fail(
        `no linear map matches the target modules ${JSON.stringify(trainable.targetModules)}.`,
        "Name last parts such as q_proj and v_proj.",
      );
    return createAdapter(
      chosen.map((name) => ({ name, outSize: modules.get(name)![0]!, inSize: modules.get(name)![1]! })),
      { rank: trainable.rank, alpha: trainable.alpha, seed: trainable.seed },
    );
  }
  if (files === undefined) {
    if (trainable.kind === "adapter")
      fail('trainable { kind: "adapter" } needs an adapter.', "Pass the adapter's files.");
    return undefined;
  }
  return readAdapter(files);
}

function checkAdapter(adapter: Adapter, weights: WeightFile): void {
  for (const { name, inSize, outSize } of adapter.modules.values()) {
    const shape = weights.shapes.get(`${name}.weight`);
    if (shape?.length !== 2 || shape[0] !== outSize || shape[1] !== inSize) {
      throw new ImagineOpdError("mismatch", {
        where: "vision-language-model.openModel",
        problem: `the adapter changes ${name} as [${outSize}, ${inSize}], the checkpoint has ${shape === undefined ? "no such module" : `[${shape}]`}.`,
        remedy: "Load the adapter on the checkpoint that it was trained on.",
      });
    }
  }
}

function isTrained(name: string, trainable: Trainable): boolean {
  return trainable.kind === "full" && (trainable.vision === "trainable" || !isVisionWeight(name));
}

/** Whether a weight is the matrix of a linear map, an embedding that serves as the head included. */
const isMatrix = (name: string, shape: readonly number[]): boolean => shape.length > 1 && name !== positionName;

function checkStorage(storage: FrozenStorage, weights: WeightFile, trainable: Trainable): void {
  if (storage !== "f32" && storage !== "f16")
    fail(`\`frozenStorage\` must be "f32" or "f16", got ${JSON.stringify(storage)}.`, "Pass one of them.");
  if (storage === "f32") return;
  if ([...weights.shapes].some(([name, shape]) => isMatrix(name, shape) && !isTrained(name, trainable))) return;
  fail(
    'frozenStorage "f16" was asked for, and every linear map trains.',
    "Weights train in float32: leave it out, or train adapters.",
  );
}

interface LoadedWeights {
  readonly store: WeightStore;
  readonly hostRows: HostRows | undefined;
}

/** Reads every weight once. On a failure half way, what was uploaded is freed. */
async function loadWeights(
  config: ModelConfig,
  weights: WeightFile,
  adapter: Adapter | undefined,
  trainable: Trainable,
  storage: FrozenStorage,
): Promise<LoadedWeights> {
  const trained: Record<string, tf.Variable> = {};
  const frozen = new Map<string, tf.Tensor>();
  const add = (name: string, values: Float32Array, shape: readonly number[], train: boolean) => {
    const inHalf = storage === "f16" && !train && weights.shapes.has(name) && isMatrix(name, shape);
    const tensor = tf.keep(inHalf ? storeHalf(values, shape, name) : tf.tensor(values, [...shape]));
    if (!train) frozen.set(name, tensor);
    else {
      trained[name] = tf.variable(tensor);
      tensor.dispose();
    }
  };
  let hostRows: HostRows | undefined;
  const tied = !weights.shapes.has(headName);
  try {
    for (const [name, shape] of weights.shapes) {
      const replaced = adapter?.replaced.get(name);
      const train = isTrained(name, trainable);
      if (name === embeddingName && !train && replaced === undefined) {
        const stored = await weights.read(name);
        const bf16 = stored.dtype === "BF16";
        const table = bf16 ? new Uint16Array(stored.data.slice().buffer) : await weights.readFloat32(name);
        hostRows = readHostRows(table, config.text.hiddenSize);
        if (!tied) continue; // an untied, frozen table needs no device memory
      }
      add(name, replaced === undefined ? await weights.readFloat32(name) : replaced.data, shape, train);
    }
    for (const { name, rank, inSize, outSize, a, b } of adapter?.modules.values() ?? []) {
      const train = trainable.kind === "lora" || trainable.kind === "adapter";
      const [aName, bName] = adapterNames(name);
      add(aName, a, [rank, inSize], train);
      add(bName, b, [outSize, rank], train);
    }
  } catch (error) {
    tf.dispose([...frozen.values(), ...Object.values(trained)]);
    throw error;
  }
  const scales = new Map([...(adapter?.modules.values() ?? [])].map(({ name, scale }) => [name, scale]));
  return { store: createWeightStore(trained, frozen, scales), hostRows };
}

/**
 * Opens a SmolVLM/Idefics3 checkpoint in the hub's layout on the current TensorFlow.js backend. Weights are computed with in
 * float32, whatever they are stored as.
 * @throws missing-file, invalid-data (what the files lack, by name), unsupported, mismatch, limit-exceeded (a weight that 16
 * bits do not hold, by name)
 */
export async function openModel(files: FileSource, options: OpenModelOptions = {}): Promise<VisionLanguageModel> {
  const { trainable = { kind: "none" }, frozenStorage = "f32" } = options;
  if ((await files.size("config.json")) === undefined) {
    throw new ImagineOpdError("missing-file", {
      where: "vision-language-model.openModel",
      problem: "there is no config.json.",
      remedy: "Point to a checkpoint directory in the hub's layout.",
    });
  }
  const config = readModelConfig(await readJson(files, "config.json"));
  const processor = await openProcessor(
    files,
    config,
    options.imageSplitting === undefined ? {} : { imageSplitting: options.imageSplitting },
  );
  const weights = await openWeights(files, config);
  checkStorage(frozenStorage, weights, trainable);
  const adapter = await chooseAdapter(trainable, weights, options.adapter);
  if (adapter !== undefined) checkAdapter(adapter, weights);
  const { store, hostRows } = await loadWeights(config, weights, adapter, trainable, frozenStorage);
  const policy = createPolicy(config, store, hostRows, options.recompute);
  const sizes = [...weights.shapes.values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  return {
    config,
    processor,
    policy,
    adapter,
    parameterCount: sizes.reduce((a, b) => a + b, 0),
    unusedTensors: weights.unused,
    files,
    weights,
    store,
    dispose: () => policy.dispose(),
  };
}
