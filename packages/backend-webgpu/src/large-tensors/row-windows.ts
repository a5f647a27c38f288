import { ImagineOpdError } from "@imagine-opd/protocol";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { isHalf } from "../half-storage/half-tensors.ts";
import { sizeOf } from "../kernels/check-inputs.ts";

/** What a device takes, bytes. */
export interface TensorLimits {
  /** That a shader sees of one tensor. */
  readonly binding: number;
  /** Of one tensor. */
  readonly buffer: number;
}

const limitsOfBackends = new WeakMap<WebGPUBackend, TensorLimits>();

/** Sets what {@link limitsOf} says of a backend: lower limits than the device's, to find out what happens beyond them. */
export function setLimits(backend: WebGPUBackend, limits: TensorLimits): void {
  limitsOfBackends.set(backend, limits);
}

export function limitsOf(backend: WebGPUBackend): TensorLimits {
  let limits = limitsOfBackends.get(backend);
  if (limits === undefined) {
    const { maxStorageBufferBindingSize, maxBufferSize } = backend.device.limits;
    limits = { binding: Math.min(maxStorageBufferBindingSize, maxBufferSize), buffer: maxBufferSize };
    limitsOfBackends.set(backend, limits);
  }
  return limits;
}

/** Every dtype takes 4 bytes an element. */
export const bytesOf = (shape: readonly number[]): number => 4 * sizeOf(shape);

/** Whether a tensor of this shape is more than a shader sees at once. */
export const isLarge = (backend: WebGPUBackend, shape: readonly number[]): boolean =>
  bytesOf(shape) > limitsOf(backend).binding;

/** Elements of a row: of all axes but the first. */
export const widthOf = (shape: readonly number[]): number => sizeOf(shape.slice(1));

/** Sizes of rows in elements. */
export interface RowWidths {
  /** The largest of all rows that take part in a block. */
  readonly widest: number;
  /** Of the tensors of which windows are taken. */
  readonly windows: readonly number[];
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

/** Starts and lengths of blocks of rows that a shader sees at once. */
export function rowBlocks(
  backend: WebGPUBackend,
  rows: number,
  { widest, windows }: RowWidths,
): readonly (readonly [from: number, count: number])[] {
  const { binding } = limitsOf(backend);
  if (4 * rows * widest <= binding) return [[0, rows]];
  // A window starts at a multiple of some power of two.
  const alignment = backend.device.limits.minStorageBufferOffsetAlignment / 4;
  const unit = Math.max(1, ...windows.map((width) => alignment / commonDivisor(alignment, width)));
  const most = Math.floor(binding / (4 * widest * unit)) * unit;
  if (most === 0) {
    throw new ImagineOpdError("limit-exceeded", {
      where: "backend-webgpu",
      problem: `${unit} rows of ${widest} numbers are more than the ${binding} bytes that this device binds at once.`,
      remedy: "Compute it in parts: fewer columns at a time.",
      details: { widest, limit: binding },
    });
  }
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => [i * most, Math.min(most, rows - i * most)] as const);
}

/** Blocks for windows of one tensor. */
export const blocksOf = (backend: WebGPUBackend, shape: readonly number[]) =>
  rowBlocks(backend, shape[0]!, { widest: widthOf(shape), windows: [widthOf(shape)] });

/** What tfjs keeps of a tensor, as far as it is used here. */
interface StoredTensor {
  /** Of the numbers in memory. A cast from whole numbers to others leaves them as they are. */
  readonly dtype: DataType;
  resource?: unknown;
  external?: boolean;
}

const stored = (backend: WebGPUBackend, { dataId }: TensorInfo): StoredTensor =>
  backend.tensorMap.get(dataId) as StoredTensor;

/** Where a tensor lies on the device; what is still on the host is uploaded. */
function placeOf(backend: WebGPUBackend, tensor: TensorInfo): Required<GPUBufferBinding> {
  if (isHalf(backend, tensor)) refuseHalves(tensor);
  backend.uploadToGPU(tensor.dataId);
  const { resource } = stored(backend, tensor);
  const { buffer, offset = 0 } = (resource instanceof GPUBuffer ? { buffer: resource } : resource) as GPUBufferBinding;
  return { buffer, offset, size: bytesOf(tensor.shape) };
}

function refuseHalves({ shape }: TensorInfo): never {
  throw new ImagineOpdError("unsupported", {
    where: "backend-webgpu",
    problem: `a tensor of shape [${shape}] that is stored in 16 bits cannot be taken block by block.`,
    remedy: "Store it in float32, or compute it in parts: fewer rows at a time.",
    details: { shape: [...shape] },
  });
}

/**
 * The rows `from … from + count` of a tensor as a tensor of their own, in the same memory: what is written to it is written
 * there. `from` comes from {@link rowBlocks}. The caller disposes its data, and before those of the tensor.
 */
export function rowWindow(backend: WebGPUBackend, tensor: TensorInfo, from: number, count: number): TensorInfo {
  const { buffer, offset } = placeOf(backend, tensor);
  const shape = [count, ...tensor.shape.slice(1)];
  const window = { ...backend.makeTensorInfo(shape, stored(backend, tensor).dtype), dtype: tensor.dtype };
  // tfjs binds what is no buffer or texture as it is, and never frees what is external.
  const resource: GPUBufferBinding = {
    buffer,
    offset: offset + 4 * from * widthOf(shape),
    size: bytesOf(shape),
  };
  Object.assign(stored(backend, window), { resource, external: true });
  return window;
}

/** @throws limit-exceeded when a result of this shape is more than a buffer of the device holds */
export function requireBuffer(backend: WebGPUBackend, shape: readonly number[]): void {
  const { buffer: limit } = limitsOf(backend);
  const bytes = bytesOf(shape);
  if (bytes <= limit) return;
  throw new ImagineOpdError("limit-exceeded", {
    where: "backend-webgpu",
    problem: `a result of shape [${shape}] needs ${bytes} bytes, and a buffer of this device holds at most ${limit}.`,
    remedy: "Compute it in parts: fewer rows, or a part of the vocabulary at a time.",
    details: { shape: [...shape], bytes, limit },
  });
}

/** A tensor of whatever is in its memory. */
export function allocate(backend: WebGPUBackend, shape: readonly number[], dtype: DataType): TensorInfo {
  requireBuffer(backend, shape);
  const tensor = backend.makeTensorInfo([...shape], dtype);
  backend.uploadToGPU(tensor.dataId);
  return tensor;
}

/** {@link allocate} for numbers that are copied from a tensor as they are in memory. */
export const allocateLike = (backend: WebGPUBackend, shape: readonly number[], tensor: TensorInfo): TensorInfo => ({
  ...allocate(backend, shape, stored(backend, tensor).dtype),
  dtype: tensor.dtype,
});

/** Whether the numbers of both are alike in memory. */
export const storedAlike = (backend: WebGPUBackend, a: TensorInfo, b: TensorInfo): boolean =>
  stored(backend, a).dtype === stored(backend, b).dtype;

/** Copies `count` rows of one tensor into another whose rows are as wide, and alike in memory. */
export function copyRows(
  backend: WebGPUBackend,
  { source, from = 0, count = source.shape[0]! }: { source: TensorInfo; from?: number; count?: number },
  { target, at }: { target: TensorInfo; at: number },
): void {
  const [read, write] = [placeOf(backend, source), placeOf(backend, target)];
  const rowBytes = 4 * widthOf(target.shape);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  const { commandEncoder } = backend as unknown as { readonly commandEncoder: GPUCommandEncoder };
  commandEncoder.copyBufferToBuffer(
    read.buffer,
    read.offset + from * rowBytes,
    write.buffer,
    write.offset + at * rowBytes,
    count * rowBytes,
  );
}

export function disposeAll(backend: WebGPUBackend, tensors: readonly TensorInfo[]): void {
  for (const { dataId } of tensors) backend.disposeData(dataId);
}
