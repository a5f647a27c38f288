import { readText } from "@imagine-opd/protocol";
import { readGoldenJson } from "@imagine-opd/test-kit";
import { openProcessor, readModelConfig } from "@imagine-opd/vision-language-model";
import { describe, expect, test } from "vitest";
import { createChatRenderer } from "../../packages/vision-language-model/src/processor/chat-template.ts";
import { planTiles } from "../../packages/vision-language-model/src/processor/tile-plan.ts";
import {
  caseMessages,
  families,
  fillMessages,
  largestDifference,
  openFixture,
  readCases,
  readExpected,
} from "../family.ts";

describe.each(["smolvlm_256m", "smolvlm_1024", "tiny"])("tile sizes, %s", (setting) => {
  const sizes = readGoldenJson("common/sizes.json");
  const { longest_edge: longestEdge, tile: tileSize, values } = sizes[setting];
  test("every size is resized and tiled as transformers does", () => {
    sizes.sizes_hw.forEach(([height, width]: [number, number], i: number) => {
      const { resized, fitted, rows, columns } = planTiles(
        { width, height },
        { longestEdge, tileSize, splitting: "on" },
      );
      const plan = [resized.height, resized.width, fitted.height, fitted.width, rows, columns];
      expect(plan, `${height}x${width}`).toEqual(values[i]);
    });
  });
});

describe.each(families)("%s", (family) => {
  const files = openFixture(family);
  const open = async (imageSplitting?: "on" | "off") => {
    const config = readModelConfig(JSON.parse(await readText(files, "config.json")));
    return openProcessor(files, config, imageSplitting === undefined ? {} : { imageSplitting });
  };
  const cases = readCases(family);

  test.each(["student", "teacher", "text", "nosplit"])("%s: rendered prompt, ids and number of tiles", async (name) => {
    const processor = await open(name === "nosplit" ? "off" : undefined);
    const messages = await caseMessages(family, name);
    expect(processor.render(messages)).toBe(cases.cases[name].prompt);
    const encoded = processor.encode(messages);
    expect([...encoded.tokenIds]).toEqual(cases.cases[name].input_ids);
    expect(encoded.patches.reduce((sum, { grid }) => sum + grid[0], 0)).toBe(cases.cases[name].num_tiles ?? 0);
  });

  test.each(["student", "nosplit"])("%s: pixel values", async (name) => {
    const processor = await open(name === "nosplit" ? "off" : undefined);
    const { patches } = processor.encode(await caseMessages(family, name));
    const { data, shape } = readExpected(family).get(`${name}/pixel_values`)!;
    const [tileSize, patch] = [shape[4]!, 8];
    const side = tileSize / patch;
    const rows = patches.flatMap(({ values }) => Array.from(values));
    // From patch rows (channel, y, x) back to whole tiles (channel, row, column).
    const pixels = Float32Array.from({ length: data.length }, (_, i) => {
      const [x, y] = [i % tileSize, Math.floor(i / tileSize) % tileSize];
      const channel = Math.floor(i / tileSize ** 2) % 3;
      const tile = Math.floor(i / tileSize ** 2 / 3);
      const row = (tile * side + Math.floor(y / patch)) * side + Math.floor(x / patch);
      return rows[((row * 3 + channel) * patch + (y % patch)) * patch + (x % patch)]!;
    });
    expect(largestDifference(pixels, data)).toBe(0);
  });

  test("pixel sums of the teacher's pictures", async () => {
    const { patches } = (await open()).encode(await caseMessages(family, "teacher"));
    const values = patches.flatMap((grid) => Array.from(grid.values));
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(cases.cases.teacher.pixel_values_sum, 2);
    expect(values.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(
      cases.cases.teacher.pixel_values_sumsq,
      2,
    );
  });

  test("tokenizer: ids and decoded text", async () => {
    const processor = await open();
    for (const { text, ids, decoded } of cases.tokenizer) {
      expect([...processor.tokenize(text)], text).toEqual(ids);
      expect(processor.decode(ids, { specialTokens: "keep" })).toBe(decoded);
    }
  });

  test("chat template", async () => {
    const config = JSON.parse(await readText(files, "tokenizer_config.json"));
    const render = createChatRenderer(await readText(files, "chat_template.jinja"), config);
    for (const { messages, add_generation_prompt: addGenerationPrompt, text } of cases.templates) {
      expect(render(messages, { addGenerationPrompt })).toBe(text);
    }
  });

  test("from picture files to ids", async () => {
    const processor = await open();
    for (const { files: pictures, messages, prompt, input_ids: ids } of readGoldenJson(`${family}/ask.json`).cases) {
      const filled = await fillMessages(messages, pictures);
      expect(processor.render(filled)).toBe(prompt);
      expect([...processor.encode(filled).tokenIds]).toEqual(ids);
    }
  });
});
