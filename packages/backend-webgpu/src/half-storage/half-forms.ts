import { slice_util, type TensorInfo } from "@tensorflow/tfjs-core";
import type { LargeForm } from "../large-tensors/large-form.ts";
import { allocateLike, copyRows } from "../large-tensors/row-windows.ts";
import { multiplyByHalves } from "./half-product.ts";
import { asHalves, isHalf, wordsOf } from "./half-tensors.ts";

/** A matrix times one in 16 bits: the gradient of a linear map, and of a head. */
export const halfMatrixProduct: LargeForm = ({ backend, inputs, attrs }) => {
  const [x, weight] = inputs as [TensorInfo, TensorInfo];
  const isMatrix = ({ shape }: TensorInfo) => shape.length === 2;
  if (!isHalf(backend, weight) || !inputs.every(isMatrix) || attrs.transposeA === true) return undefined;
  return multiplyByHalves(backend, { x, weight, transposed: attrs.transposeB === true });
};

/** Whole rows stay in 16 bits, as a head in parts takes them. */
export const halfSlice: LargeForm = ({ backend, inputs, attrs }) => {
  const [x] = inputs as [TensorInfo];
  const [rows, width] = x.shape as [number, number];
  if (!isHalf(backend, x) || x.shape.length !== 2 || width % 2 === 1) return undefined;
  const [begin, size] = slice_util.parseSliceParams(x as never, attrs.begin as number[], attrs.size as number[]) as [
    [number, number],
    [number, number],
  ];
  if (size[1] !== width) return undefined;
  const source = { ...wordsOf(x), shape: [rows, width / 2] };
  const target = allocateLike(backend, [size[0], width / 2], source);
  copyRows(backend, { source, from: begin[0], count: size[0] }, { target, at: 0 });
  return asHalves(backend, target, size);
};
