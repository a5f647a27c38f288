import { refuseMismatch, sizeOf } from "../kernels/check-inputs.ts";
import type { FusedKernel } from "../kernels/fused-kernel.ts";
import { asHalves, requireHalfBackend } from "./half-tensors.ts";
import { packHalves } from "./pack-halves.ts";

interface Attributes {
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly name: string;
}

/** Numbers from the host in 16 bits each, as `storeHalf` of `tensor-ops` defines it. */
export const storeHalfKernel: FusedKernel = {
  name: "OpdStoreHalf",
  run: (backend, _, attributes) => {
    const { values, shape, name } = attributes as unknown as Attributes;
    requireHalfBackend(backend);
    const size = sizeOf(shape);
    if (values.length !== size) {
      refuseMismatch("storeHalf", `${name} of shape [${shape}] has ${size} numbers, got ${values.length}.`);
    }
    const words = packHalves(values, name);
    const tensor = backend.makeTensorInfo([words.length], "int32", words);
    // As long as words are on the host, tfjs would hand them out as the tensor's numbers.
    backend.uploadToGPU(tensor.dataId);
    // Into memory that was used before, tfjs uploads through a second buffer, which it keeps until then.
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.submitQueue();
    return asHalves(backend, tensor, shape);
  },
};
