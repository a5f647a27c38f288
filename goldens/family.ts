import { findAddon, openNodeBackend } from "@imagine-opd/backend-node-cuda";
import { decodeImage, openDirectory } from "@imagine-opd/host/node";
import type { Message, RgbImage } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { goldenPath, readGoldenJson, readGoldenTensors } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import type { Family } from "./open-fixtures.ts";
import { fillStoredMessages, type StoredMessage } from "./stored-messages.ts";

export { expectGradient, expectGradientNorm, largestDifference, norm } from "./compare.ts";
export { type Family, families } from "./open-fixtures.ts";

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

/** Stored messages with their pictures put in, in order. */
export const fillMessages = (messages: readonly StoredMessage[], files: readonly string[]): Promise<Message[]> =>
  fillStoredMessages(messages, files, readImage);

/** One of a family's cases as messages. */
export function caseMessages(family: Family, name: string): Promise<Message[]> {
  const { messages, images } = readCases(family).cases[name];
  return fillMessages(
    messages,
    images.map((image: string) => `common/images/${image}.png`),
  );
}
