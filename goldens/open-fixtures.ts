import { type FileSource, type Message, type RgbImage, readJson } from "@imagine-opd/protocol";
import { openSafetensors, toFloat32 } from "@imagine-opd/safetensors";
import { fillStoredMessages } from "./stored-messages.ts";

export const families = ["idefics3", "smolvlm"] as const;
export type Family = (typeof families)[number];

/** What a host brings to the suites that run in browsers and in Node. */
export interface FixtureFiles {
  /** A family's files. */
  openFixture(family: Family): FileSource;
  /** A picture of `common/images`, named without its suffix. */
  readImage(name: string): Promise<RgbImage>;
}

export interface Fixtures extends FixtureFiles {
  // biome-ignore lint/suspicious/noExplicitAny: fixtures are read field by field in tests
  readCases(family: Family): Promise<any>;
  /** Expected values by name. */
  openExpected(
    family: Family,
  ): Promise<{ readonly names: readonly string[]; read(name: string): Promise<Float32Array> }>;
  /** One of a family's cases as messages. */
  caseMessages(family: Family, name: string): Promise<Message[]>;
}

/** Reads the fixtures through a host's files. */
export function openFixtures({ openFixture, readImage }: FixtureFiles): Fixtures {
  const readCases: Fixtures["readCases"] = (family) => readJson(openFixture(family), "fixture.json");
  return {
    openFixture,
    readImage,
    readCases,
    openExpected: async (family) => {
      const file = await openSafetensors(openFixture(family), "expected.safetensors");
      return { names: [...file.tensors.keys()], read: async (name) => toFloat32(await file.read(name)) };
    },
    caseMessages: async (family, name) => {
      const { messages, images } = (await readCases(family)).cases[name];
      return fillStoredMessages(messages, images, readImage);
    },
  };
}
