import * as tf from "@tensorflow/tfjs-core";

/** Changes the results of a kernel of the backend that is set, until the returned function is called. */
export function replaceKernel(kernelName: string, change: (...results: tf.Tensor[]) => tf.Tensor | tf.Tensor[]) {
  const backendName = tf.getBackend();
  const right = tf.getKernel(kernelName, backendName)!;
  const asTensor = ({ dataId, shape, dtype }: tf.TensorInfo) =>
    tf.engine().makeTensorFromDataId(dataId, [...shape], dtype);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...right,
    kernelFunc: (parameters) => change(...[right.kernelFunc(parameters)].flat().map(asTensor)),
  });
  return (): void => {
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel(right);
  };
}
