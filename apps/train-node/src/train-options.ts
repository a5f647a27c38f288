import {
  addConfigOption,
  type BackendName,
  backendNames,
  collect,
  dataFormats,
  integer,
  number,
  viewControls,
} from "@imagine-opd/command-line";
import { deviationFields, presets } from "@imagine-opd/trainer";
import { Command, Option } from "commander";

/** The options of the training program, as the command line gives them. */
export interface TrainProgramOptions {
  readonly model: string;
  readonly data: string;
  readonly format: (typeof dataFormats)[number];
  readonly images?: string;
  readonly out: string;
  readonly preset: string;
  readonly deviate: readonly string[];
  readonly tune?: "full" | "decoder" | "lora";
  readonly loraRank?: number;
  readonly loraAlpha?: number;
  readonly loraTargets?: string;
  readonly steps?: number;
  readonly control?: (typeof viewControls)[number];
  readonly seed: number;
  readonly microBatch: number;
  readonly saveEvery: number;
  readonly viewShape?: "box" | "square";
  readonly viewSize?: number;
  readonly viewPadding: number;
  readonly badRecords: "fail" | "drop";
  readonly imageSplitting?: "on" | "off";
  readonly recompute: "none" | "layers";
  readonly saveDtype: "F32" | "BF16";
  readonly backend: BackendName;
  readonly resume: boolean;
}

/** Options that say where and how to run, not what: they may differ when a run is resumed. */
export const operationalOptions: readonly string[] = [
  "out",
  "resume",
  "config",
  "steps",
  "saveEvery",
  "model",
  "images",
  "data",
  "recompute",
];

export function trainCommand(): Command {
  const program = new Command("train")
    .description("Trains a vision-language model with Imagine-OPD on region-annotated pictures.")
    .requiredOption("--model <dir>", "checkpoint in the hub's layout (SmolVLM or Idefics3)")
    .requiredOption("--data <file>", "annotated records")
    .addOption(new Option("--format <name>", "format of the records").choices([...dataFormats]).default("visual-cot"))
    .option("--images <dir>", "directory that the records' picture names are relative to")
    .requiredOption("--out <dir>", "directory of this run")
    .addOption(new Option("--preset <name>", "recipe").choices(Object.keys(presets)).default("imagine-opd"))
    .option(
      "--deviate <field=value>",
      `declare a difference from the recipe; may be repeated; fields: ${deviationFields.join(", ")}`,
      collect,
      [],
    )
    .addOption(
      new Option(
        "--tune <what>",
        "which weights train: all, all but the vision tower, or LoRA adapters (default: as the preset)",
      ).choices(["full", "decoder", "lora"]),
    )
    .option("--lora-rank <n>", "rank of LoRA adapters (default: the preset's, else 16)", integer(1))
    .option("--lora-alpha <n>", "scale of LoRA adapters: alpha / rank (default: the preset's, else 32)", number(0))
    .option(
      "--lora-targets <pattern>",
      "last parts of module names with commas between, or one regular expression (default: all seven projections)",
    )
    .addOption(
      new Option(
        "--control <what>",
        "shows the teacher something else instead of the evidence views, to see what they are worth; none: no views, no answer",
      ).choices([...viewControls]),
    )
    .option("--steps <n>", "optimiser steps in all (default: one epoch)", integer(1))
    .option("--seed <n>", "decides the order of the data and every sampled token", integer(0), 0)
    .option("--micro-batch <n>", "sequences in one forward and backward pass", integer(1), 4)
    .option("--save-every <n>", "steps between checkpoints", integer(1), 40)
    .addOption(
      new Option(
        "--view-shape <shape>",
        "crop of a region (default: square without image splitting, else box)",
      ).choices(["box", "square"]),
    )
    .option(
      "--view-size <pixels>",
      "side of a square view (default: the model's tile without image splitting)",
      integer(8),
    )
    .option("--view-padding <share>", "context on each side of a region, as a share of its side", number(0), 0.1)
    .addOption(
      new Option("--bad-records <what>", "what happens to a row that cannot be read")
        .choices(["fail", "drop"])
        .default("fail"),
    )
    .addOption(
      new Option(
        "--image-splitting <what>",
        "whether large pictures become tiles (default: as the checkpoint says)",
      ).choices(["on", "off"]),
    )
    .addOption(
      new Option(
        "--recompute <what>",
        "what runs a second time in the backward pass: nothing, or every layer, for far less memory",
      )
        .choices(["none", "layers"])
        .default("none"),
    )
    .addOption(
      new Option("--save-dtype <type>", "element type of the final weights").choices(["F32", "BF16"]).default("F32"),
    )
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("auto"))
    .option("--resume", "go on from the last checkpoint of --out", false);
  return addConfigOption(program);
}
