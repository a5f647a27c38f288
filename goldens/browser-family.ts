import { decodeImage, openUrl } from "@imagine-opd/host/browser";
import { type FileSource, type Message, type RgbImage, readJson } from "@imagine-opd/protocol";
import { openSafetensors, toFloat32 } from "@imagine-opd/safetensors";
import { fillStoredMessages } from "./stored-messages.ts";

export const families = ["idefics3", "smolvlm"] as const;
export type Family = (typeof families)[number];

/** What a model is read from; the expected values lie beside it. */
const names = [
  "chat_template.jinja",
  "config.json",
  "expected.safetensors",
  "fixture.json",
  "generation_config.json",
  "model.safetensors",
  "preprocessor_config.json",
  "processor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

// The root of the test server is the repository; it hands files out as they are.
const fixtures = new URL("/goldens/fixtures/", globalThis.location.origin).href;

/** A family's files, fetched from the test server. */
export const openFixture = (family: Family): FileSource => openUrl(`${fixtures}${family}/`, names);

// biome-ignore lint/suspicious/noExplicitAny: fixtures are read field by field in tests
export const readCases = (family: Family): Promise<any> => readJson(openFixture(family), "fixture.json");

/** Reads expected values by name. */
export async function openExpected(family: Family) {
  const file = await openSafetensors(openFixture(family), "expected.safetensors");
  return {
    names: [...file.tensors.keys()],
    read: async (name: string): Promise<Float32Array> => toFloat32(await file.read(name)),
  };
}

export async function readImage(name: string): Promise<RgbImage> {
  const response = await fetch(`${fixtures}common/images/${name}.png`);
  return (await decodeImage(await response.blob())).image;
}

/** One of a family's cases as messages. */
export async function caseMessages(family: Family, name: string): Promise<Message[]> {
  const { messages, images } = (await readCases(family)).cases[name];
  return fillStoredMessages(messages, images, readImage);
}
