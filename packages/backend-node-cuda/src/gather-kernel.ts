import { ImagineOpdError } from "@imagine-opd/protocol";
import {
  backend_util,
  type KernelFunc,
  scalar,
  type Tensor,
  type TensorInfo,
  type TypedArray,
  util,
} from "@tensorflow/tfjs-core";
import { type TensorFlowBackend, typeAttribute } from "./binding.ts";

/**
 * The slices of `x` at `indices` along one axis. tfjs-node's kernel reads the indices back to check them, which waits for the
 * device at every call; here they are checked while they are still in JavaScript. TensorFlow checks the others on a CPU. Its
 * CUDA kernel does not and gives 0 for an index outside the axis.
 * @throws invalid-argument when an index is outside the axis
 */
export const gather: KernelFunc = (args) => {
  const backend = args.backend as TensorFlowBackend;
  const [x, indices] = [args.inputs.x as Tensor, args.inputs.indices as Tensor];
  const batchDims = args.attrs?.batchDims as number;
  const axis = util.parseAxisParam(args.attrs?.axis as number, x.shape)[0]!;
  const waiting = backend.tensorMap.get(indices.dataId).values;
  if (waiting !== null) checkIndices(waiting, x.shape[axis]!);
  backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
  const axisTensor = scalar(axis, "int32");
  const attributes = [
    { name: "batch_dims", type: backend.binding.TF_ATTR_INT, value: batchDims },
    typeAttribute(backend, "Tparams", x.dtype),
    typeAttribute(backend, "Tindices", indices.dtype),
    typeAttribute(backend, "Taxis", "int32"),
  ];
  try {
    return backend.executeSingleOutput("GatherV2", attributes, [x, indices, axisTensor]) as TensorInfo;
  } finally {
    axisTensor.dispose();
  }
};

function checkIndices(indices: TypedArray, length: number): void {
  const position = indices.findIndex((index) => index < 0 || index >= length);
  if (position < 0) return;
  throw new ImagineOpdError("invalid-argument", {
    where: "backend-node-cuda.GatherV2",
    problem: `index ${indices[position]} (at ${position}) is outside the axis of length ${length}.`,
    details: { index: indices[position], position, length },
  });
}
