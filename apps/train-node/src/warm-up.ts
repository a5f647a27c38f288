import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  addConfigOption,
  type BackendName,
  backendNames,
  createProgress,
  createSceneSource,
  integer,
  interruptSignal,
  openBackend,
  promptsFile,
  runProgram,
} from "@imagine-opd/command-line";
import { openDirectory, openLineLog, writeDirectory } from "@imagine-opd/host/node";
import { type FileSink, ImagineOpdError } from "@imagine-opd/protocol";
import { sceneFamilies } from "@imagine-opd/region-datasets";
import { openModel, saveCheckpoint, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { Command, Option } from "commander";
import { warmUpRecord } from "./experiment/statements.ts";
import { measureScenes, type SceneMeasurement } from "./scenes/measure-scenes.ts";
import { largeGlyph, signCrop, signPrompts, smallGlyph } from "./scenes/sign-scenes.ts";
import { writeTinyCheckpoint } from "./tiny-model/write-tiny-checkpoint.ts";
import { curriculum, type Stage } from "./warm-up/curriculum.ts";
import { warmUpModel } from "./warm-up/warm-up-model.ts";

interface WarmUpOptions {
  readonly out: string;
  readonly seed: number;
  readonly scale: number;
  readonly backend: BackendName;
  readonly resume: boolean;
}

type Reading = Pick<SceneMeasurement, "accuracy" | "locatedRate" | "evidenceRate">;

async function save(model: VisionLanguageModel, sink: FileSink): Promise<void> {
  await saveCheckpoint(model, sink);
  await sink.write(promptsFile, `${JSON.stringify(signPrompts, null, 2)}\n`);
}

/** Small and large signs in the whole picture, and small ones with their views, on validation scenes. */
async function measure(model: VisionLanguageModel, seed: number, count: number): Promise<Record<string, Reading>> {
  const crop = signCrop(model.processor.imageSettings.tileSize);
  const readings: Record<string, Reading> = {};
  for (const family of sceneFamilies) {
    for (const [name, scale, mode] of [
      ["small", smallGlyph, "imagine"],
      ["large", largeGlyph, "imagine"],
      ["small with views", smallGlyph, "oracle"],
    ] as const) {
      const set = { family, split: "validation", glyphScale: [scale, scale], seed, count } as const;
      const { accuracy, locatedRate, evidenceRate } = await measureScenes(model, createSceneSource(set, crop), {
        mode,
      });
      readings[`${family}, ${name}`] = { accuracy, locatedRate, evidenceRate };
    }
  }
  return readings;
}

interface PlannedPhase {
  readonly name: string;
  readonly stages: readonly Stage[];
  readonly stepsBefore: number;
  /** Where its weights are saved. */
  readonly directory: string;
}

function planPhases({ out, scale }: WarmUpOptions): { phases: PlannedPhase[]; totalSteps: number } {
  let stepsBefore = 0;
  const phases = curriculum.map(({ name, stages }): PlannedPhase => {
    const scaled = stages.map((stage) => ({ ...stage, steps: Math.max(1, Math.round(stage.steps * scale)) }));
    const phase = { name, stages: scaled, stepsBefore, directory: join(out, `after-${name}`) };
    stepsBefore += scaled.reduce((sum, { steps }) => sum + steps, 0);
    return phase;
  });
  return { phases, totalSteps: stepsBefore };
}

/** Where the weights come from and what is left to do. */
async function beginAt({ out, seed, resume }: WarmUpOptions, phases: readonly PlannedPhase[]) {
  const done = phases.filter(({ directory }) => existsSync(directory)).length - 1;
  const used = existsSync(join(out, "start"));
  if (used !== resume) {
    throw new ImagineOpdError("invalid-argument", {
      where: "warm-up",
      problem: `${out} ${used ? "already holds a warm-up" : "holds no warm-up to go on with"}.`,
      remedy: used ? "Go on with it by --resume, or choose another --out." : "Start one without --resume.",
    });
  }
  if (!used) await writeDirectory(join(out, "start"), (sink) => writeTinyCheckpoint(sink, { seed }));
  return { from: done < 0 ? join(out, "start") : phases[done]!.directory, left: phases.slice(done + 1) };
}

async function warmUp(options: WarmUpOptions): Promise<void> {
  const { out, seed, backend } = options;
  const signal = interruptSignal("stopping; --resume goes on after the last finished phase");
  const { phases, totalSteps } = planPhases(options);
  const { from, left } = await beginAt(options, phases);
  const opened = await openBackend(backend);
  const model = await openModel(openDirectory(from), { trainable: { kind: "full", vision: "trainable" } });
  const firstStep = left[0]?.stepsBefore ?? totalSteps;
  const log = await openLineLog(join(out, "warm-up.jsonl"), {
    keep: (line) => (JSON.parse(line) as { step: number }).step <= firstStep,
  });
  const progress = createProgress("warm-up", totalSteps, firstStep);
  try {
    for (const { name, stages, stepsBefore, directory } of left) {
      for await (const event of warmUpModel(model, stages, { seed, stepsBefore, signal })) {
        const losses = Object.entries(event.losses).map(([lesson, loss]) => `${lesson} ${loss.toFixed(3)}`);
        progress.update(event.step, `${name}, ${event.stage}: ${losses.join(", ")}`);
        await log.append(JSON.stringify(event));
        if (event.endsStage)
          await log.append(JSON.stringify({ step: event.step, readings: await measure(model, seed, 128) }));
      }
      await writeDirectory(directory, (sink) => save(model, sink));
    }
    const record = { seed, steps: totalSteps, backend: opened.name, readings: await measure(model, seed, 1000) };
    await writeDirectory(join(out, "final"), async (sink) => {
      await save(model, sink);
      await sink.write(warmUpRecord, `${JSON.stringify(record, null, 2)}\n`);
    });
    process.stdout.write(`${JSON.stringify(record)}\n`);
  } finally {
    progress.stop();
    await log.close();
    model.dispose();
  }
}

const program = addConfigOption(
  new Command("warm-up")
    .description(
      "Makes the embedded base model from nothing: a tiny model learns to read large signs, and small ones in views.",
    )
    .option("--out <dir>", "directory for the model and its log", "runs/warm-up")
    .option("--seed <n>", "decides weights, scenes and order", integer(0), 0)
    .option("--scale <x>", "length of every stage, for trying out", Number, 1)
    .option("--resume", "go on after the last finished phase of --out", false)
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("wasm")),
).action(warmUp);

await runProgram(program);
