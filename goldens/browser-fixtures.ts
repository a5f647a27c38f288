import { decodeImage, openUrl } from "@imagine-opd/host/browser";
import { openFixtures } from "./open-fixtures.ts";

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
const root = new URL("/goldens/fixtures/", globalThis.location.origin).href;

/** The fixtures, fetched from the test server. */
export const browserFixtures = openFixtures({
  openFixture: (family) => openUrl(`${root}${family}/`, names),
  readImage: async (name) => {
    const response = await fetch(`${root}common/images/${name}.png`);
    return (await decodeImage(await response.blob())).image;
  },
});
