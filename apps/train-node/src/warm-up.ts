import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  addConfigOption,
  type BackendName,
  backendNames,
  createProgress,
  integer,
  interruptSignal,
  openBackend,
  runProgram,
} from "@imagine-opd/command-line";
import { openDirectory, openLineLog, writeDirectory } from "@imagine-opd/host/node";
import { sceneFamilies } from "@imagine-opd/region-datasets";
import { openModel, saveCheckpoint, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { Command, Option } from "commander";
import { measureScenes } from "./scenes/measure-scenes.ts";
import { createSceneSource, largeGlyph, smallGlyph } from "./scenes/scene-source.ts";
import { writeTinyCheckpoint } from "./tiny-model/write-tiny-checkpoint.ts";
import { curriculum } from "./warm-up/curriculum.ts";
import { warmUpModel } from "./warm-up/warm-up-model.ts";

interface WarmUpOptions {
  readonly out: string;
  readonly seed: number;
  readonly scale: number;
  readonly backend: BackendName;
}

interface Reading {
  readonly accuracy: number;
  readonly located: number;
  readonly seen: number;
}

/** Stages after which a question has an answer. */
const asksQuestions = new Set(["questions", "comparisons"]);

/** Small and large signs in the whole picture, and small ones with their views, on validation scenes. */
async function measure(model: VisionLanguageModel, seed: number, count: number): Promise<Record<string, Reading>> {
  const viewSize = model.processor.imageSettings.tileSize;
  const readings: Record<string, Reading> = {};
  for (const family of sceneFamilies) {
    for (const [name, scale, mode] of [
      ["small", smallGlyph, "imagine"],
      ["large", largeGlyph, "imagine"],
      ["small with views", smallGlyph, "oracle"],
    ] as const) {
      const source = createSceneSource({
        family,
        split: "validation",
        glyphScale: [scale, scale],
        seed,
        count,
        viewSize,
      });
      const { accuracy, located, seen } = await measureScenes(model, source, { mode });
      readings[`${family}, ${name}`] = { accuracy, located, seen };
    }
  }
  return readings;
}

async function warmUp({ out, seed, scale, backend }: WarmUpOptions): Promise<void> {
  const signal = interruptSignal("stopping; nothing is saved before the last step");
  const opened = await openBackend(backend);
  const start = join(out, "start");
  await writeDirectory(start, (sink) => writeTinyCheckpoint(sink, { seed }));
  const model = await openModel(openDirectory(start), { trainable: { kind: "full", vision: "trainable" } });
  const log = await openLineLog(join(out, "warm-up.jsonl"), { keep: () => false });
  const stages = curriculum.map((stage) => ({ ...stage, steps: Math.max(1, Math.round(stage.steps * scale)) }));
  const total = stages.reduce((sum, { steps }) => sum + steps, 0);
  const progress = createProgress("warm-up", total);
  const started = performance.now();
  try {
    for await (const event of warmUpModel(model, stages, { seed, signal })) {
      progress.update(
        event.step,
        `${event.stage}: ${Object.entries(event.losses)
          .map(([lesson, loss]) => `${lesson} ${loss.toFixed(3)}`)
          .join(", ")}`,
      );
      await log.append(JSON.stringify(event));
      if (asksQuestions.has(event.stage) && event.step % 100 === 0) {
        await log.append(
          JSON.stringify({
            step: event.step,
            seconds: Math.round((performance.now() - started) / 1000),
            readings: await measure(model, seed, 128),
          }),
        );
        await writeDirectory(join(out, "latest"), (sink) => saveCheckpoint(model, sink));
      }
    }
    const readings = await measure(model, seed, 1000);
    const seconds = Math.round((performance.now() - started) / 1000);
    await log.append(JSON.stringify({ step: total, seconds, backend: opened.name, readings }));
    await writeDirectory(join(out, "final"), (sink) => saveCheckpoint(model, sink));
    rmSync(join(out, "latest"), { recursive: true, force: true });
    process.stdout.write(`${JSON.stringify({ seed, steps: total, seconds, backend: opened.name, readings })}\n`);
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
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("wasm")),
).action(warmUp);

await runProgram(program);
