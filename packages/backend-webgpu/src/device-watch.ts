import { ImagineOpdError } from "@imagine-opd/protocol";

/** Why a device is gone. */
export interface DeviceLoss {
  /** `destroyed` when a program destroyed it, else `unknown`: a driver reset, a removed card, a browser short of memory. */
  readonly reason: GPUDeviceLostReason;
  readonly message: string;
}

const where = "backend-webgpu";

/** Kinds of errors; a scope catches one. */
const filters: readonly GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];

/**
 * Listens to a device. WebGPU reports errors later and computes zeros in the meantime; whoever settles here before it believes
 * a result never sees them. The first failure stays.
 */
export class DeviceWatch {
  /** Name of the program that runs next, for the errors of its shader. */
  program = "";
  #failure: ImagineOpdError | undefined;
  #ended = false;
  #verdict: Promise<void> = Promise.resolve();
  /** Error scopes of the caller that are open now; ours are below them. */
  #foreignScopes = 0;
  readonly #device: GPUDevice;
  readonly #push: GPUDevice["pushErrorScope"];
  readonly #pop: GPUDevice["popErrorScope"];

  constructor(device: GPUDevice, onLost: ((loss: DeviceLoss) => void) | undefined) {
    this.#device = device;
    this.#push = device.pushErrorScope.bind(device);
    this.#pop = device.popErrorScope.bind(device);
    this.#openScopes();
    this.#countForeignScopes();
    this.#nameShaders();
    device.lost.then(({ reason, message }) => {
      if (this.#ended) return;
      this.#failure = lostError({ reason, message });
      onLost?.({ reason, message });
    });
  }

  /** @throws what has gone wrong, if anything is known to have */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything that was sent to the device up to now is judged; `throwIfFailed` knows of it from then on. */
  settle(): Promise<void> {
    if (this.#foreignScopes > 0) return this.#verdict;
    const found = this.#closeScopes();
    this.#openScopes();
    const earlier = this.#verdict;
    this.#verdict = found.then(async (errors) => {
      await earlier;
      this.#failure ??= errors[0];
    });
    return this.#verdict;
  }

  /** Waits until the loss that a failed read announces has arrived. */
  async settleLoss(): Promise<void> {
    await Promise.race([this.#device.lost, this.settle()]);
  }

  /** From now on everything throws `disposed`, and the loss of the device is no event. */
  end(): void {
    this.#ended = true;
    this.#failure = new ImagineOpdError("disposed", {
      where,
      problem: "the tensor or kernel belongs to a WebGPU backend that was closed since.",
      remedy: "Make tensors anew after openWebgpuBackend.",
    });
  }

  // Scopes stay open at all times: the event "uncapturederror" may come after the data that the error spoiled.
  #openScopes(): void {
    for (const filter of filters) this.#push(filter);
  }

  /** The errors since the scopes were opened. On a lost device a scope may reject; the loss itself is what counts. */
  async #closeScopes(): Promise<ImagineOpdError[]> {
    const innermostFirst = [...filters].reverse();
    const scopes = innermostFirst.map(() => this.#pop().catch(() => null));
    const errors = await Promise.all(scopes);
    return errors.flatMap((error, i) => (error === null ? [] : [deviceError(innermostFirst[i]!, error.message)]));
  }

  #countForeignScopes(): void {
    this.#device.pushErrorScope = (filter) => {
      this.#foreignScopes += 1;
      return this.#push(filter);
    };
    this.#device.popErrorScope = () => {
      this.#foreignScopes = Math.max(0, this.#foreignScopes - 1);
      return this.#pop();
    };
  }

  /** Judges every shader where it is made, so that an error bears its name. */
  #nameShaders(): void {
    const device = this.#device;
    const create = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) => {
      const name = this.program || descriptor.label || "without a name";
      this.#push("validation");
      const shader = create(descriptor);
      this.#pop().then(
        (error) => {
          if (error !== null) this.#failure ??= shaderError(name, error.message);
        },
        () => {}, // the device is lost, and that is known elsewhere
      );
      return shader;
    };
  }
}

/** True for the error of an operation on a device that was lost. */
export function isDeviceLostError(error: unknown): boolean {
  return (error as { details?: { deviceLost?: unknown } } | undefined)?.details?.deviceLost === true;
}

function lostError({ reason, message }: DeviceLoss): ImagineOpdError {
  return new ImagineOpdError("missing-part", {
    where,
    problem: `device-lost: the GPU device is gone (${reason}${message === "" ? "" : `: ${message.trim()}`}), and the tensors on it with it.`,
    remedy: "Call reopenWebgpuBackend, then load weights and optimiser state again.",
    details: { deviceLost: true, reason, message },
  });
}

function shaderError(shader: string, message: string): ImagineOpdError {
  return new ImagineOpdError("unsupported", {
    where,
    problem: `the shader ${shader} does not compile: ${message}`,
    remedy: "Report it with the name of the GPU; the results of everything that used it are void.",
    details: { shader, message },
  });
}

function deviceError(filter: GPUErrorFilter, message: string): ImagineOpdError {
  const outOfMemory = filter === "out-of-memory";
  return new ImagineOpdError(outOfMemory ? "limit-exceeded" : "unsupported", {
    where,
    problem: outOfMemory ? `the GPU is out of memory: ${message}` : `the device refused a command: ${message}`,
    remedy: outOfMemory ? "Take smaller batches." : "Results since the last read are void. Call reopenWebgpuBackend.",
    details: { filter, message },
  });
}
