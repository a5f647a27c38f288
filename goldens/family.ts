import { findAddon, openNodeBackend } from "@imagine-opd/backend-node-cuda";
import { decodeImage, openDirectory } from "@imagine-opd/host/node";
import type { ContentPart, Message, RgbImage } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { goldenPath, readGoldenJson, readGoldenTensors } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";

export const families = ["idefics3", "smolvlm"] as const;
export type Family = (typeof families)[number];

type Backend = "cpu" | "wasm" | "tensorflow-cpu";

/** The backends that every golden must pass on in plain Node; native TensorFlow where it was built. */
export const backends: readonly Backend[] =
  findAddon("cpu") === undefined ? ["cpu", "wasm"] : ["cpu", "wasm", "tensorflow-cpu"];
if (!backends.includes("tensorflow-cpu")) {
  process.stderr.write("skipped: goldens on tensorflow-cpu, which was not built (npm run setup-tensorflow)\n");
}

export async function useBackend(name: Backend): Promise<void> {
  if (name === "tensorflow-cpu") await openNodeBackend({ device: "cpu" });
  else if (name === "wasm") {
    const { openWasmBackend } = await import("@imagine-opd/backend-wasm");
    await openWasmBackend();
  } else {
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.setBackend("cpu");
    registerCoreGradients();
  }
}

export const openFixture = (name: string) => openDirectory(goldenPath(name));
export const readCases = (family: Family) => readGoldenJson(`${family}/fixture.json`);
export const readExpected = (family: Family) => readGoldenTensors(`${family}/expected.safetensors`);

export async function readImage(file: string): Promise<RgbImage> {
  return (await decodeImage(goldenPath(file))).image;
}

interface StoredMessage {
  readonly role: Message["role"];
  readonly content: readonly { readonly type: "text" | "image"; readonly text?: string }[];
}

/** Stored messages with their pictures put in, in order. */
export async function fillMessages(messages: readonly StoredMessage[], files: readonly string[]): Promise<Message[]> {
  const images = await Promise.all(files.map(readImage));
  let next = 0;
  const part = ({ type, text }: StoredMessage["content"][number]): ContentPart =>
    type === "image" ? { type, image: images[next++]! } : { type, text: text! };
  const filled = messages.map(({ role, content }) => ({ role, content: content.map(part) }));
  expect(next).toBe(images.length);
  return filled;
}

/** One of a family's cases as messages. */
export function caseMessages(family: Family, name: string): Promise<Message[]> {
  const { messages, images } = readCases(family).cases[name];
  return fillMessages(
    messages,
    images.map((image: string) => `common/images/${image}.png`),
  );
}

/** Largest absolute difference. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = difference; // NaN must show
  }
  return largest;
}

/** Euclidean norm in float64. */
export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

/** The goldens' rule for gradients: 1e-4 relative, and 1e-6 absolute where the norm is below 1e-4. */
export function expectGradient(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const size = norm(expected);
  const error = norm(Array.from(actual, (value, i) => value - expected[i]!));
  if (size < 1e-4) expect(error, `${name} (absolute)`).toBeLessThan(1e-6);
  else expect(error / size, `${name} (relative)`).toBeLessThan(1e-4);
}

export function expectGradientNorm(name: string, actual: number, expected: number): void {
  if (expected < 1e-4) expect(Math.abs(actual - expected), `${name} (absolute)`).toBeLessThan(1e-6);
  else expect(Math.abs(actual - expected) / expected, `${name} (relative)`).toBeLessThan(1e-4);
}
