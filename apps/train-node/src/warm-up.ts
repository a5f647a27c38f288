import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  addConfigOption,
  type BackendName,
  backendNames,
  chooseCrop,
  createProgress,
  createSceneSource,
  integer,
  interruptSignal,
  number,
  openBackend,
  promptsFile,
  runProgram,
} from "@imagine-opd/command-line";
import { openDirectory, openLineLog, writeDirectory } from "@imagine-opd/host/node";
import { promptTemplates } from "@imagine-opd/imagination-prompts";
import { type FileSink, ImagineOpdError } from "@imagine-opd/protocol";
import { sceneFamilies } from "@imagine-opd/region-datasets";
import { openModel, saveCheckpoint, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { Command, Option } from "commander";
import { warmUpRecord } from "./experiment/statements.ts";
import { measureScenes, type SceneMeasurement } from "./scenes/measure-scenes.ts";
import { largeGlyph, signPrompts, smallGlyph } from "./scenes/sign-scenes.ts";
import { writeTinyCheckpoint } from "./tiny-model/write-tiny-checkpoint.ts";
import { curriculum, type Phase } from "./warm-up/curriculum.ts";
import { warmUpModel } from "./warm-up/warm-up-model.ts";

interface WarmUpOptions {
  readonly out: string;
  readonly seed: number;
  readonly scale: number;
  readonly backend: BackendName;
  readonly resume: boolean;
}

type Reading = Pick<SceneMeasurement, "accuracy" | "locatedRate" | "evidenceRate">;

/** Small and large signs in the whole picture, and small ones with their views, on validation scenes. */
async function measure(model: VisionLanguageModel, seed: number, count: number): Promise<Record<string, Reading>> {
  const crop = chooseCrop({}, model);
  const templates = { ...promptTemplates, ...signPrompts };
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
        templates,
      });
      readings[`${family}, ${name}`] = { accuracy, locatedRate, evidenceRate };
    }
  }
  return readings;
}

/** Where the weights of a finished phase are. */
const phaseDirectory = (out: string, { name }: Phase) => join(out, `after-${name}`);

interface Beginning {
  /** Where the weights come from. */
  readonly from: string;
  readonly left: readonly Phase[];
  /** Steps of the phases that are done. */
  readonly steps: number;
}

/** Where the random weights are: a new warm-up makes them, a resumed one must be the same warm-up. */
async function openStart({ out, seed, scale, resume }: WarmUpOptions): Promise<string> {
  const start = join(out, "start");
  const choicesFile = join(start, "choices.json");
  const choices = JSON.stringify({ seed, scale });
  const refuse = (problem: string, remedy: string): never => {
    throw new ImagineOpdError("invalid-argument", { where: "warm-up", problem: `${out} ${problem}.`, remedy });
  };
  const used = existsSync(start);
  if (used && !resume) refuse("already holds a warm-up", "Go on with it by --resume, or choose another --out.");
  if (!used && resume) refuse("holds no warm-up to go on with", "Start one without --resume.");
  if (used) {
    const begun = readFileSync(choicesFile, "utf8");
    if (begun !== choices) refuse(`was begun with ${begun}, not ${choices}`, "Pass the same --seed and --scale.");
    return start;
  }
  await writeDirectory(start, async (sink) => {
    await writeTinyCheckpoint(sink, { seed });
    await sink.write("choices.json", choices);
  });
  return start;
}

/** Where a warm-up begins or goes on. */
async function findBeginning(options: WarmUpOptions): Promise<Beginning> {
  const { out, scale } = options;
  const start = await openStart(options);
  const phases = curriculum.map((phase) => ({
    ...phase,
    stages: phase.stages.map((stage) => ({ ...stage, steps: Math.max(1, Math.round(stage.steps * scale)) })),
  }));
  const done = phases.filter((phase) => existsSync(phaseDirectory(out, phase)));
  if (done.length > 0) {
    const from = phaseDirectory(out, done.at(-1)!);
    const { steps } = JSON.parse(readFileSync(join(from, warmUpRecord), "utf8")) as { steps: number };
    return { from, left: phases.slice(done.length), steps };
  }
  return { from: start, left: phases, steps: 0 };
}

/** Weights, prompts and how they were made. */
async function save(model: VisionLanguageModel, sink: FileSink, record: { readonly steps: number }): Promise<void> {
  await saveCheckpoint(model, sink);
  await sink.write(promptsFile, `${JSON.stringify(signPrompts, null, 2)}\n`);
  await sink.write(warmUpRecord, `${JSON.stringify(record, null, 2)}\n`);
}

async function warmUp(options: WarmUpOptions): Promise<void> {
  const { out, seed, backend } = options;
  const signal = interruptSignal("stopping; --resume goes on after the last finished phase");
  const { from, left, steps } = await findBeginning(options);
  const opened = await openBackend(backend);
  const model = await openModel(openDirectory(from), { trainable: { kind: "full", vision: "trainable" } });
  const log = await openLineLog(join(out, "warm-up.jsonl"), {
    keep: (line) => (JSON.parse(line) as { step: number }).step <= steps,
  });
  const most = left.flatMap(({ stages }) => stages).reduce((sum, stage) => sum + stage.steps, steps);
  const progress = createProgress("warm-up, at most", most, steps);
  let step = steps;
  try {
    for (const phase of left) {
      for await (const event of warmUpModel(model, phase.stages, { seed, stepsBefore: step, signal })) {
        const losses = Object.entries(event.losses).map(([lesson, loss]) => `${lesson} ${loss.toFixed(3)}`);
        progress.update(event.step, `${event.stage}: ${losses.join(", ")}`);
        await log.append(JSON.stringify({ phase: phase.name, ...event }));
        step = event.step;
      }
      await log.append(JSON.stringify({ step, readings: await measure(model, seed, 128) }));
      await writeDirectory(phaseDirectory(out, phase), (sink) => save(model, sink, { steps: step }));
    }
    const record = { seed, steps: step, backend: opened.name, readings: await measure(model, seed, 1000) };
    await writeDirectory(join(out, "final"), (sink) => save(model, sink, record));
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
    .option("--scale <x>", "length of every stage, for trying out", number(0), 1)
    .option("--resume", "go on after the last finished phase of --out", false)
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("wasm")),
).action(warmUp);

await runProgram(program);
