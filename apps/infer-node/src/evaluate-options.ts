import {
  addConfigOption,
  type BackendName,
  backendNames,
  dataFormats,
  integer,
  number,
} from "@imagine-opd/command-line";
import type { EvaluationMode } from "@imagine-opd/evaluation";
import { Command, Option } from "commander";
import { type ZoomBy, zoomBys } from "./choose-zoom.ts";

/** The options of `evaluate`, as the command line gives them. */
export interface EvaluateOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly data: string;
  readonly format: (typeof dataFormats)[number];
  readonly images?: string;
  readonly badRecords: "fail" | "drop";
  readonly mode: EvaluationMode;
  readonly zoomBy?: ZoomBy;
  readonly limit?: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly backend: BackendName;
  readonly out?: string;
  readonly json: boolean;
}

const modes: readonly EvaluationMode[] = ["direct", "imagine", "zoom", "oracle", "blank"];

export function evaluateCommand(): Command {
  const program = new Command("evaluate")
    .description("Asks a vision-language model every question of an annotated data set and grades the answers.")
    .requiredOption("--model <dir>", "checkpoint in the hub's layout (SmolVLM or Idefics3)")
    .option("--adapter <dir>", "PEFT adapter to load on top of it")
    .requiredOption("--data <file>", "annotated records")
    .addOption(new Option("--format <name>", "format of the records").choices([...dataFormats]).default("visual-cot"))
    .option("--images <dir>", "directory that the records' picture names are relative to; scenes have none")
    .addOption(
      new Option("--bad-records <what>", "what happens to a row that cannot be read")
        .choices(["fail", "drop"])
        .default("fail"),
    )
    .addOption(
      new Option(
        "--mode <mode>",
        "imagine: the trained student's prompt; direct: short answer at once; zoom: two turns, the second with the regions that the first named; oracle: with zoomed views of the annotated regions; blank: grey pictures",
      )
        .choices(modes)
        .default("imagine"),
    )
    .addOption(
      new Option(
        "--zoom-by <words>",
        "mode zoom: how the model names regions: cells of the scenes' grid, or boxes in this space (default: cells for scenes)",
      ).choices([...zoomBys]),
    )
    .option("--limit <n>", "only the first records (default: all)", integer(1))
    .option("--max-tokens <n>", "longest answer", integer(1), 256)
    .option("--temperature <t>", "0 takes the most probable token", number(0), 0)
    .option("--seed <n>", "decides what is drawn", integer(0), 0)
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("auto"))
    .option("--out <file>", "write every sample as a line of JSON")
    .option("--json", "print the report as one line of JSON", false);
  return addConfigOption(program);
}
