import { broadcast_util, slice_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { sizeOf } from "../kernels/check-inputs.ts";
import { computeByRows } from "./compute-by-rows.ts";
import { type LargeForm, runKernel } from "./large-form.ts";
import {
  allocateLike,
  blocksOf,
  copyRows,
  disposeAll,
  isLarge,
  requireBuffer,
  rowWindow,
  storedAlike,
  widthOf,
} from "./row-windows.ts";

const withShape = (tensor: TensorInfo, shape: readonly number[]): TensorInfo => ({ ...tensor, shape: [...shape] });

/** Each element depends on the elements at its place, broadcast as ever. */
export const elementwise: LargeForm = ({ backend, inputs, run }) => {
  const shape = inputs
    .map((input) => input.shape)
    .reduce((a, b) => broadcast_util.assertAndGetBroadcastShape(a, b), [] as number[]);
  if (!isLarge(backend, shape)) return undefined;
  requireBuffer(backend, shape);
  const size = sizeOf(shape);
  const compute = (parts: readonly TensorInfo[]) => run(parts);
  if (inputs.every((input) => sizeOf(input.shape) === size || sizeOf(input.shape) === 1)) {
    const flat = inputs.map((input) => withShape(input, sizeOf(input.shape) === size ? [size] : []));
    return withShape(computeByRows(backend, { rows: size, widest: 1, inputs: flat, compute }), shape);
  }
  const [rows] = shape as [number];
  // An input of lower rank has no rows, whatever the length of its first axis.
  const aligned = inputs.map((input) =>
    input.shape.length < shape.length
      ? withShape(input, [...Array(shape.length - input.shape.length).fill(1), ...input.shape])
      : input,
  );
  return rows === 1 ? undefined : computeByRows(backend, { rows, widest: widthOf(shape), inputs: aligned, compute });
};

/** What kernels call the axes that they work along. */
const axisNames = ["axis", "reductionIndices", "dim"] as const;

function axesOf(attrs: Readonly<Record<string, unknown>>, { shape }: TensorInfo) {
  const name = axisNames.find((each) => each in attrs) ?? "axis";
  return { name, axes: util.parseAxisParam(attrs[name] as number | number[], shape) };
}

/** Each row of the result is a reduction of, or is as long as, that row of the one input. */
export const alongRows: LargeForm = ({ backend, inputs, attrs, run }) => {
  const [x] = inputs as [TensorInfo];
  const [rows] = x.shape;
  if (!isLarge(backend, x.shape) || x.shape.length < 2) return undefined;
  if (axesOf(attrs, x).axes.includes(0)) return undefined;
  return computeByRows(backend, { rows: rows!, widest: widthOf(x.shape), inputs, compute: (parts) => run(parts) });
};

/** A reduction of which parts may be reduced first: sum, largest, smallest. */
export const reduction: LargeForm = (call) => {
  const { backend, inputs, attrs, run } = call;
  const [x] = inputs as [TensorInfo];
  if (!isLarge(backend, x.shape)) return undefined;
  const { name, axes } = axesOf(attrs, x);
  if (!axes.includes(0)) return alongRows(call);
  const all = axes.length === x.shape.length;
  const seen = all ? withShape(x, [sizeOf(x.shape)]) : x;
  const axis = all ? [0] : axes;
  const parts = blocksOf(backend, seen.shape).map(([from, count]) => {
    const window = rowWindow(backend, seen, from, count);
    const part = run([window], { ...attrs, [name]: axis, keepDims: true });
    disposeAll(backend, [window]);
    return part;
  });
  const together = runKernel(backend, "Concat", parts, { axis: 0 });
  const result = run([together], { ...attrs, [name]: axis });
  disposeAll(backend, [...parts, together]);
  const kept = x.shape.map((length, i) => (axes.includes(i) ? 1 : length));
  return withShape(result, attrs.keepDims ? kept : x.shape.filter((_, i) => !axes.includes(i)));
};

export const fill: LargeForm = ({ backend, attrs, run }) => {
  const shape = attrs.shape as number[];
  if (!isLarge(backend, shape)) return undefined;
  requireBuffer(backend, shape);
  const compute = (_: readonly TensorInfo[], count: number) => run([], { ...attrs, shape: [count] });
  return withShape(computeByRows(backend, { rows: sizeOf(shape), widest: 1, inputs: [], compute }), shape);
};

export const slice: LargeForm = ({ backend, inputs, attrs, run }) => {
  const [x] = inputs as [TensorInfo];
  if (!isLarge(backend, x.shape)) return undefined;
  const [begin, size] = slice_util.parseSliceParams(x as never, attrs.begin as number[], attrs.size as number[]) as [
    number[],
    number[],
  ];
  const [first, rows] = [begin[0]!, size[0]!];
  if (size.every((length, axis) => axis === 0 || length === x.shape[axis])) {
    const result = allocateLike(backend, size, x);
    copyRows(backend, { source: x, from: first, count: rows }, { target: result, at: 0 });
    return result;
  }
  let result: TensorInfo | undefined;
  for (const [from, count] of blocksOf(backend, x.shape)) {
    const [start, end] = [Math.max(first, from), Math.min(first + rows, from + count)];
    if (start >= end) continue;
    const window = rowWindow(backend, x, from, count);
    const part = run([window], { begin: [start - from, ...begin.slice(1)], size: [end - start, ...size.slice(1)] });
    result ??= allocateLike(backend, size, part);
    copyRows(backend, { source: part }, { target: result, at: start - first });
    disposeAll(backend, [window, part]);
  }
  return result!;
};

export const concat: LargeForm = ({ backend, inputs, attrs, run }) => {
  const [axis] = util.parseAxisParam(attrs.axis as number, inputs[0]!.shape) as [number];
  const length = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = inputs[0]!.shape.map((own, i) => (i === axis ? length : own));
  if (!isLarge(backend, shape)) return undefined;
  requireBuffer(backend, shape);
  if (axis > 0) {
    const compute = (parts: readonly TensorInfo[]) => run(parts);
    return computeByRows(backend, { rows: shape[0]!, widest: widthOf(shape), inputs, compute });
  }
  if (!inputs.every((input) => storedAlike(backend, input, inputs[0]!))) return undefined;
  const result = allocateLike(backend, shape, inputs[0]!);
  let at = 0;
  for (const source of inputs) {
    if (sizeOf(source.shape) > 0) copyRows(backend, { source }, { target: result, at });
    at += source.shape[0]!;
  }
  return result;
};

/** Rows before and behind. */
export const pad: LargeForm = ({ backend, inputs, attrs }) => {
  const [x] = inputs as [TensorInfo];
  const { paddings, constantValue } = attrs as { paddings: [number, number][]; constantValue: number };
  const shape = x.shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);
  const inside = paddings.slice(1).every(([before, after]) => before + after === 0);
  if (!isLarge(backend, shape) || !inside) return undefined;
  const rim = paddings[0]!.map((rows) =>
    rows === 0
      ? []
      : [runKernel(backend, "Fill", {}, { shape: [rows, ...x.shape.slice(1)], value: constantValue, dtype: x.dtype })],
  );
  const parts = [...rim[0]!, x, ...rim[1]!];
  const result = runKernel(backend, "Concat", parts, { axis: 0 });
  disposeAll(backend, rim.flat());
  return result;
};
