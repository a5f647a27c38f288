import { ImagineOpdError } from "@imagine-opd/protocol";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type BackendValues, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { DeviceWatch } from "./device-watch.ts";
import { limitsOf } from "./large-tensors/row-windows.ts";

type RunProgram = Parameters<WebGPUBackend["runWebGPUProgram"]>;
type Program = RunProgram[0];

/**
 * tfjs's WebGPU backend, which never gives a number that the device did not compute: sizes are checked before memory is
 * asked for, and a result is handed out only after the device has judged everything before it.
 */
export class GuardedBackend extends WebGPUBackend {
  readonly #watch: DeviceWatch;

  constructor(device: GPUDevice, info: GPUAdapterInfo, watch: DeviceWatch) {
    super(device, info);
    this.#watch = watch;
  }

  override runWebGPUProgram(...args: RunProgram): TensorInfo {
    const [program, inputs, , , output] = args;
    this.#watch.throwIfFailed();
    this.#requireRoom(program, output?.shape ?? program.outputShape, "the result");
    for (const [i, { shape }] of inputs.entries()) this.#requireRoom(program, shape, `input ${i}`);
    this.#watch.program = program.shaderKey;
    return super.runWebGPUProgram(...args);
  }

  override async read(dataId: object): Promise<BackendValues> {
    this.#watch.throwIfFailed();
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
