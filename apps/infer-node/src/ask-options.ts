import { addConfigOption, type BackendName, backendNames, collect, integer, number } from "@imagine-opd/command-line";
import { Command, InvalidArgumentError, Option } from "commander";
import { type PromptKind, promptKinds } from "./ask-messages.ts";

/** The options of `ask`, as the command line gives them. */
export interface AskOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly image: readonly string[];
  readonly question: string;
  readonly prompt: PromptKind;
  readonly imageSplitting?: "on" | "off";
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed: number;
  readonly backend: BackendName;
  readonly json: boolean;
}

function nonEmpty(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("Expected a question.");
  return text;
}

function topMass(text: string): number {
  const value = number(0, 1)(text);
  if (value === 0) throw new InvalidArgumentError("Expected a number above 0, at most 1.");
  return value;
}

export function askCommand(): Command {
  const program = new Command("ask")
    .description("Asks a vision-language model one question about pictures.")
    .requiredOption("--model <dir>", "checkpoint in the hub's layout (SmolVLM or Idefics3)")
    .option("--adapter <dir>", "PEFT adapter to load on top of it")
    .addOption(new Option("--image <file>", "picture; may be repeated").argParser(collect).default([], "none"))
    .requiredOption(
      "--question <text>",
      "question; <image> in it, once for each picture, places the pictures",
      nonEmpty,
    )
    .addOption(
      new Option(
        "--prompt <kind>",
        "imagine: the trained student's prompt; direct: short answer at once; raw: pictures and question alone, nothing banned",
      )
        .choices(promptKinds)
        .default("imagine"),
    )
    .addOption(
      new Option(
        "--image-splitting <what>",
        "whether large pictures become tiles (default: as the checkpoint says)",
      ).choices(["on", "off"]),
    )
    .option("--max-tokens <n>", "longest answer", integer(1), 256)
    .option("--temperature <t>", "0 takes the most probable token", number(0), 0)
    .option("--top-p <p>", "draw from the most probable tokens of this mass", topMass)
    .option("--top-k <k>", "draw from this many most probable tokens", integer(1))
    .option("--seed <n>", "decides what is drawn", integer(0), 0)
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("auto"))
    .option("--json", "print one line of JSON with token ids and log-probs", false);
  return addConfigOption(program).hook("preAction", (_, command) => checkTogether(command));
}

/** What one option asks of another. */
function checkTogether(command: Command): void {
  const { image, prompt, temperature, topP, topK } = command.opts<AskOptions>();
  if (prompt !== "raw" && image.length === 0) {
    command.error(`error: --prompt ${prompt} needs at least one --image; only raw asks without`);
  }
  if (temperature === 0 && (topP !== undefined || topK !== undefined)) {
    command.error("error: --top-p and --top-k need a --temperature above 0: at 0 nothing is drawn");
  }
}
