import { readFileSync } from "node:fs";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { type Command, Option } from "commander";

/**
 * Adds `--config FILE`: options from a JSON file, or from the `config.json` of an earlier run. The command line wins.
 * Call it after every other option: required ones may stand in the file, so they are looked for when it has been read.
 */
export function addConfigOption(program: Command): Command {
  const required = program.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.makeOptionMandatory(false);
  program.addOption(
    new Option("--config <file>", "read options from a JSON file (an earlier run's config.json will do)"),
  );
  return program.hook("preAction", (_, command) => {
    const file = command.opts<{ config?: string }>().config;
    if (file !== undefined) applyConfig(command, file);
    const missing = required.find((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing !== undefined) command.error(`error: required option '${missing.flags}' not specified`);
  });
}

function fail(file: string, problem: string): never {
  throw new ImagineOpdError("invalid-argument", {
    where: "command-line.config",
    problem: `${file}: ${problem}`,
    remedy: "Its keys are the option names in camel case, as config.json of a run shows them.",
  });
}

function readOptions(file: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    return fail(file, `${(error as Error).message}.`);
  }
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isRecord(json)) return fail(file, "expected a JSON object.");
  return isRecord(json.options) ? json.options : json;
}

function applyConfig(command: Command, file: string): void {
  for (const [name, value] of Object.entries(readOptions(file))) {
    const option =
      command.options.find((candidate) => candidate.attributeName() === name) ??
      fail(file, `there is no option "${name}".`);
    if (command.getOptionValueSource(name) === "cli" || value === null) continue;
    command.setOptionValueWithSource(name, readValue(option, value, file), "config");
  }
}

/** Every value takes the way of the command line, so that it is checked like one. */
function readValue(option: Option, value: unknown, file: string): unknown {
  const name = option.attributeName();
  if (option.isBoolean() || typeof value === "boolean") {
    if (option.isBoolean() && typeof value === "boolean") return value;
    return fail(
      file,
      `"${name}" must be ${option.isBoolean() ? "true or false" : "a value"}, got ${JSON.stringify(value)}.`,
    );
  }
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0) return [];
  if (values.some((each) => typeof each === "object")) return fail(file, `"${name}" must be text or a number.`);
  const parse = option.parseArg as ((text: string, before: unknown) => unknown) | undefined;
  try {
    return values.map(String).reduce<unknown>((before, text) => parse?.(text, before) ?? text, undefined);
  } catch (error) {
    return fail(file, `"${name}": ${(error as Error).message}`);
  }
}
