import { readFileSync } from "node:fs";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { type Command, Option } from "commander";

/** Adds `--config FILE`: options from a JSON file, or from the `config.json` of an earlier run. The command line wins. */
export function addConfigOption(program: Command): Command {
  program.addOption(
    new Option("--config <file>", "read options from a JSON file (an earlier run's config.json will do)"),
  );
  return program.hook("preAction", (_, command) => {
    const file = command.opts<{ config?: string }>().config;
    if (file !== undefined) applyConfig(command, file);
  });
}

function fail(file: string, problem: string): never {
  throw new ImagineOpdError("invalid-argument", {
    where: "command-line.config",
    problem: `${file}: ${problem}`,
    remedy: "Its keys are the option names in camel case, as config.json of a run shows them.",
  });
}

function readJson(file: string): Record<string, unknown> {
  try {
    const json = JSON.parse(readFileSync(file, "utf8")) as { options?: Record<string, unknown> };
    return json.options ?? (json as Record<string, unknown>);
  } catch (error) {
    return fail(file, (error as Error).message);
  }
}

function applyConfig(command: Command, file: string): void {
  for (const [name, value] of Object.entries(readJson(file))) {
    const option = command.options.find((candidate) => candidate.attributeName() === name);
    if (option === undefined) fail(file, `there is no option "${name}".`);
    if (command.getOptionValueSource(name) === "cli" || value === undefined || value === null) continue;
    command.setOptionValueWithSource(
      name,
      typeof value === "boolean" ? value : parseLikeCommandLine(option, value),
      "config",
    );
  }
}

/** Every value takes the way of the command line, so that it is checked like one. */
function parseLikeCommandLine(option: Option, value: unknown): unknown {
  const parse = option.parseArg as ((text: string, before: unknown) => unknown) | undefined;
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  return texts.reduce<unknown>((before, text) => (parse === undefined ? text : parse(text, before)), undefined);
}
