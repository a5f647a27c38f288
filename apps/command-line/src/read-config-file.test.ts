import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collect, integer } from "./option-values.ts";
import { addConfigOption } from "./read-config-file.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "config-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The options that an action sees. */
async function parse(config: unknown, words: readonly string[] = []): Promise<Record<string, unknown>> {
  const file = join(directory, "config.json");
  writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
  let seen: Record<string, unknown> = {};
  const program = addConfigOption(
    new Command("bake")
      .requiredOption("--flour <kind>", "what")
      .option("--eggs <n>", "how many", integer(0), 2)
      .option("--spice <name>", "may be repeated", collect, [])
      .option("--hot", "", false)
      .addOption(new Option("--form <f>").choices(["round", "square"])),
  );
  program.exitOverride().configureOutput({ writeErr() {} });
  program.action((options) => {
    seen = options;
  });
  await program.parseAsync(["--config", file, ...words], { from: "user" });
  return seen;
}

describe("values", () => {
  test("of the file stand in for the command line, required ones too", async () => {
    const options = { flour: "rye", eggs: 5, spice: ["salt", "mace"], hot: true, form: "round" };
    expect(await parse(options)).toMatchObject(options);
  });

  test("of an earlier run are found under its `options`", async () => {
    expect(await parse({ options: { flour: "rye" }, backend: "wasm" })).toMatchObject({ flour: "rye", eggs: 2 });
  });

  test("of the command line win over the file, before and after --config", async () => {
    const seen = await parse({ flour: "rye", eggs: 5, spice: ["salt"] }, ["--eggs", "1", "--spice", "anise"]);
    expect(seen).toMatchObject({ flour: "rye", eggs: 1, spice: ["anise"] });
  });

  test("null leaves the default, an empty list is a list", async () => {
    expect(await parse({ flour: "rye", eggs: null, spice: [] })).toMatchObject({ eggs: 2, spice: [] });
  });
});

describe("refusals", () => {
  test.each([
    ["an unknown key", { flour: "rye", egg: 1 }, 'there is no option "egg"'],
    ["a value that the option refuses", { flour: "rye", eggs: -1 }, '"eggs": Expected an integer of at least 0.'],
    ["a value outside the choices", { flour: "rye", form: "oval" }, '"form": Allowed choices are round, square.'],
    ["a flag that is no boolean", { flour: "rye", hot: "yes" }, '"hot" must be true or false, got "yes"'],
    ["a boolean for a value", { flour: true }, '"flour" must be a value, got true'],
    ["an object for a value", { flour: { kind: "rye" } }, '"flour" must be text or a number'],
    ["no object", [1], "expected a JSON object"],
    ["no JSON", "{", "JSON"],
    ["a missing required option", { eggs: 1 }, "required option '--flour <kind>' not specified"],
  ])("%s", async (_, config, message) => {
    await expect(parse(config)).rejects.toThrow(message);
  });

  test("name the file", async () => {
    await expect(parse({ egg: 1 })).rejects.toThrow(join(directory, "config.json"));
  });
});
