import { ImagineOpdError } from "@imagine-opd/protocol";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type BackendValues, type GPUData, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { DeviceWatch } from "./device-watch.ts";
import { expandHalves } from "./half-storage/expand-halves.ts";
import { type HalfBackend, halvesIn, isHalf } from "./half-storage/half-tensors.ts";
import { limitsOf } from "./large-tensors/row-windows.ts";

type RunProgram = Parameters<WebGPUBackend["runWebGPUProgram"]>;
type Program = RunProgram[0];

/**
 * tfjs's WebGPU backend, which never gives a number that the device did not compute: sizes are checked before memory is
 * asked for, a result is handed out only after the device has judged everything before it, and what is stored in 16 bits is
 * expanded for whoever takes it for float32.
 */
export class GuardedBackend extends WebGPUBackend implements HalfBackend {
  readonly expandsHalves = true;
  readonly #watch: DeviceWatch;

  constructor(device: GPUDevice, info: GPUAdapterInfo, watch: DeviceWatch) {
    super(device, info);
    this.#watch = watch;
  }

  override runWebGPUProgram(...args: RunProgram): TensorInfo {
    const [program, inputs, dtype, uniforms, output] = args;
    this.#watch.throwIfFailed();
    this.#requireRoom(program, output?.shape ?? program.outputShape, "the result");
    for (const [i, { shape }] of inputs.entries()) this.#requireRoom(program, shape, `input ${i}`);
    const seen = inputs.map((input) => (isHalf(this, input) ? expandHalves(this, input) : input));
    this.#watch.program = program.shaderKey;
    try {
      return super.runWebGPUProgram(program, seen, dtype, uniforms, output);
    } finally {
      for (const [i, { dataId }] of seen.entries()) if (seen[i] !== inputs[i]) this.disposeData(dataId);
    }
  }

  override async read(dataId: object): Promise<BackendValues> {
    this.#watch.throwIfFailed();
    const halves = halvesIn(this, dataId);
    if (halves !== undefined) {
      const wide = expandHalves(this, halves);
      return this.read(wide.dataId).finally(() => this.disposeData(wide.dataId));
    }
    let values: BackendValues;
    try {
      const reading = super.read(dataId);
      [values] = await Promise.all([reading, this.#watch.settle()]);
    } catch (error) {
      await this.#watch.settleLoss();
      this.#watch.throwIfFailed();
      throw error;
    }
    this.#watch.throwIfFailed();
    return values;
  }

  /** Only what is still on the host: a synchronous read of the device comes before its verdict, and is zeros if that is bad. */
  override readSync(dataId: object): BackendValues {
    this.#watch.throwIfFailed();
    const { values, dtype } = this.tensorMap.get(dataId);
    if (values !== null && values !== undefined) return values;
    if (dtype === "complex64" || dtype === "string") return super.readSync(dataId);
    throw new ImagineOpdError("unsupported", {
      where: "backend-webgpu.readSync",
      problem: "dataSync, arraySync and print cannot wait for the GPU.",
      remedy: "Use await tensor.data() or await tensor.array().",
    });
  }

  override readToGPU(dataId: object): GPUData {
    const halves = halvesIn(this, dataId);
    if (halves === undefined) return super.readToGPU(dataId);
    const wide = expandHalves(this, halves);
    const copy = super.readToGPU(wide.dataId);
    this.disposeData(wide.dataId);
    return copy;
  }

  #requireRoom({ shaderKey }: Program, shape: readonly number[], what: string): void {
    const bytes = 4 * util.sizeFromShape([...shape]);
    const { binding: limit } = limitsOf(this);
    if (bytes <= limit) return;
    throw new ImagineOpdError("limit-exceeded", {
      where: "backend-webgpu",
      problem: `${what} [${shape}] of the program ${shaderKey} needs ${bytes} bytes, and this device binds at most ${limit} bytes at once.`,
      remedy: "Compute it in parts: fewer rows, or a part of the vocabulary at a time.",
      details: { program: shaderKey, shape: [...shape], bytes, limit },
    });
  }
}
