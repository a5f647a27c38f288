import { addConfigOption, type BackendName, backendNames, integer } from "@imagine-opd/command-line";
import { type SceneFamily, sceneFamilies } from "@imagine-opd/region-datasets";
import { Command, Option } from "commander";

/** What the teacher gets instead of the views of a base model that stands still; `live`: the teacher is the student of the moment. */
export const startControls = ["shuffled", "blank", "none", "live"] as const;

export interface StartOptions {
  readonly model: string;
  readonly family: SceneFamily;
  readonly control?: (typeof startControls)[number];
  readonly steps?: number;
  readonly paperSteps: number;
  readonly evaluate: number;
  readonly seed: number;
  readonly out?: string;
  readonly backend: BackendName;
}

export const stepsOf = ({ steps, control }: Pick<StartOptions, "steps" | "control">): number =>
  steps ?? (control === undefined ? 300 : 120);

export function startCommand(): Command {
  const program = new Command("start")
    .description(
      "The main job: teaches a small vision-language model to read small signs without zooming, and shows what it learned.",
    )
    .option("--model <dir>", "the base model, as `npm run warm-up` makes it", "apps/train-node/base-model")
    .addOption(
      new Option("--family <name>", "digit: what digit is on a sign; compare: which of two signs shows the larger one")
        .choices([...sceneFamilies])
        .default("digit"),
    )
    .addOption(
      new Option(
        "--control <what>",
        "leaves the evidence out, to see what it is worth: views of other scenes, grey views, no views; live: the teacher changes with the student",
      ).choices([...startControls]),
    )
    .option("--steps <n>", "optimiser steps (default: 300, under a control 120)", integer(1))
    .option(
      "--paper-steps <n>",
      "steps of the paper's own form of the objective beside it; 0 leaves it out",
      integer(0),
      150,
    )
    .option("--evaluate <n>", "held-out scenes of each evaluation", integer(8), 1000)
    .option("--seed <n>", "decides the scenes, their order and every sampled token", integer(0), 0)
    .option("--out <dir>", "directory of this run (default: a new one under runs/)")
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("auto"));
  return addConfigOption(program);
}
