import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSceneSource } from "@imagine-opd/command-line";
import { writeDirectory } from "@imagine-opd/host/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../../scripts/run.mjs";
import { writeScenes } from "./experiment/write-scenes.ts";
import { writeTinyCheckpoint } from "./tiny-model/write-tiny-checkpoint.ts";

let home: string;
let program: string;
let model: string;
let scenes: { readonly data: string; readonly images: string };

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "imagine-opd-train-"));
  program = await bundle(fileURLToPath(new URL("./train.ts", import.meta.url)));
  model = join(home, "model");
  await writeDirectory(model, (sink) => writeTinyCheckpoint(sink, { seed: 1 }));
  const images = join(home, "scenes");
  await writeScenes(images, createSceneSource({ seed: 1, count: 12 }, {}), 12);
  scenes = { data: join(images, "scenes.jsonl"), images };
}, 60_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the training program, and sends it a signal as soon as the condition holds. */
function train(
  args: readonly string[],
  interruption?: { readonly signal: NodeJS.Signals; readonly when: () => boolean },
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const watch = setInterval(() => {
      if (interruption?.when()) {
        child.kill(interruption.signal);
        clearInterval(watch);
      }
    }, 5);
    child.on("close", (code) => {
      clearInterval(watch);
      resolve({ code, stdout, stderr });
    });
  });
}

const usual = (out: string, ...more: string[]): string[] => [
  ...["--model", model, "--data", scenes.data, "--images", scenes.images, "--out", out],
  ...[
    "--deviate",
    "batchSize=2",
    "--deviate",
    "maxTokens=5",
    "--deviate",
    "lr=1e-3",
    "--steps",
    "6",
    "--save-every",
    "2",
  ],
  ...more,
];

/** Metrics without what depends on the machine. */
function metricsOf(out: string): unknown[] {
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => ({ ...JSON.parse(line), system: undefined }));
}
const finalWeights = (out: string) => readFileSync(join(out, "final/model.safetensors"));
const checkpoints = (out: string) => readdirSync(join(out, "checkpoints")).sort();

const killAfter = (out: string, step: number) => ({
  signal: "SIGKILL" as const,
  when: () => existsSync(join(out, `checkpoints/step-${step}`)),
});

describe("a run that is not disturbed", () => {
  let whole: string;
  beforeAll(async () => {
    whole = join(home, "whole");
    const { code, stdout, stderr } = await train(usual(whole));
    expect(stderr).toContain("self-test passed");
    expect(stderr).toContain("deviation from imagine-opd: batchSize 2 (preset 32)");
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${join(whole, "final")}\n` });
  }, 120_000);

  test("leaves a complete run directory", () => {
    const names = readdirSync(whole).map((name) => name.replace(/tfevents\.\d+/, "tfevents"));
    expect(names.sort()).toEqual([
      "checkpoints",
      "config.json",
      "events.out.tfevents.imagine-opd",
      "final",
      "metrics.jsonl",
      "report.html",
      "rollouts.jsonl",
    ]);
    expect(checkpoints(whole)).toEqual(["step-2", "step-4", "step-6"]);
    expect(metricsOf(whole).length).toBe(6);
    const rollouts = readFileSync(join(whole, "rollouts.jsonl"), "utf8").trim().split("\n");
    expect(rollouts.length).toBe(12);
    expect(JSON.parse(rollouts[0]!).teacherLogProbs.length).toBe(JSON.parse(rollouts[0]!).tokenIds.length);
    const { deviations } = JSON.parse(readFileSync(join(whole, "config.json"), "utf8"));
    expect(deviations).toContainEqual({ field: "lr", preset: "0.000001", value: "0.001" });
  });

  test("its config.json runs it again to the same metrics and weights", async () => {
    const again = join(home, "again");
    const { code } = await train(["--config", join(whole, "config.json"), "--out", again]);
    expect(code).toBe(0);
    expect(metricsOf(again)).toEqual(metricsOf(whole));
    expect(finalWeights(again).equals(finalWeights(whole))).toBe(true);
  }, 120_000);

  test("kill -9 in the middle and resume: metrics and weights equal bit for bit", async () => {
    const out = join(home, "killed");
    const killed = await train(usual(out), killAfter(out, 2));
    expect(killed.code).toBe(null);
    expect(checkpoints(out)).not.toContain("step-6");
    const resumed = await train(usual(out, "--resume"));
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(/resumed after step [24]/);
    expect(metricsOf(out)).toEqual(metricsOf(whole));
    expect(finalWeights(out).equals(finalWeights(whole))).toBe(true);
  }, 120_000);

  test("Ctrl-C saves a checkpoint and ends with 130; the run can be resumed", async () => {
    const out = join(home, "interrupted");
    const log = join(out, "metrics.jsonl");
    const when = () => existsSync(log) && readFileSync(log, "utf8").includes("\n");
    const stopped = await train(usual(out), { signal: "SIGINT", when });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain("a checkpoint will be saved");
    expect(checkpoints(out).length).toBeGreaterThan(0);
    expect((await train(usual(out, "--resume"))).code).toBe(0);
    expect(metricsOf(out)).toEqual(metricsOf(whole));
    expect(finalWeights(out).equals(finalWeights(whole))).toBe(true);
  }, 120_000);

  test("a directory that holds a run is not overwritten, and other options are not resumed", async () => {
    const taken = await train(usual(whole));
    expect(taken.code).toBe(1);
    expect(taken.stderr).toContain("already holds a run. Go on with it by --resume, or choose another --out.");
    const changed = await train(usual(whole, "--resume", "--seed", "5"));
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain("began with other values of seed (0)");
  }, 60_000);
});

test("LoRA with an averaged teacher: kill -9 and resume end in the same adapter", async () => {
  const lora = [
    "--tune",
    "lora",
    "--lora-rank",
    "4",
    "--lora-targets",
    "q_proj,v_proj",
    "--deviate",
    "teacher=ema:0.2",
  ];
  const whole = join(home, "lora-whole");
  expect((await train(usual(whole, ...lora))).code).toBe(0);
  const out = join(home, "lora-killed");
  await train(usual(out, ...lora), killAfter(out, 2));
  const resumed = await train(usual(out, ...lora, "--resume"));
  expect(resumed.stderr).toMatch(/resumed after step [24]/);
  expect(metricsOf(out)).toEqual(metricsOf(whole));
  const adapter = (directory: string) => readFileSync(join(directory, "final/adapter_model.safetensors"));
  expect(adapter(out).equals(adapter(whole))).toBe(true);
  const { teacher, deviations } = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
  expect(teacher).toEqual({ kind: "ema", rate: 0.2, average: "deltas" });
  const value = "lora r4 alpha 32 on q_proj,v_proj";
  expect(deviations).toContainEqual({ field: "tune", preset: "full", value });

  const other = join(home, "other-model");
  await writeDirectory(other, (sink) => writeTinyCheckpoint(sink, { seed: 2 }));
  const args = usual(out, ...lora, "--resume");
  args[args.indexOf("--model") + 1] = other;
  const moved = await train(args);
  expect(moved.code).toBe(1);
  expect(moved.stderr).toContain(`were trained on other weights than those in ${other}`);
}, 180_000);

describe("mistakes end with one clear line and leave nothing behind", () => {
  const broken = async (name: string, args: string[], code: number, message: RegExp) => {
    const out = join(home, name);
    const result = await train(args.length > 0 ? args : usual(out));
    expect(result.stderr).toMatch(message);
    expect(result.stdout).toBe("");
    expect(result.code).toBe(code);
    expect(existsSync(join(out, "config.json"))).toBe(false);
  };
  const withArgument = (name: string, value: string, out: string) => {
    const args = usual(join(home, out));
    args[args.indexOf(name) + 1] = value;
    return args;
  };
  const data = (name: string, change: (row: Record<string, unknown>) => void): string => {
    const [first, ...rest] = readFileSync(scenes.data, "utf8").trim().split("\n");
    const row = JSON.parse(first!);
    change(row);
    const file = join(home, name);
    writeFileSync(file, [JSON.stringify(row), ...rest].join("\n"));
    return file;
  };

  test.each<[string, () => string[], number, RegExp]>([
    ["no-options", () => ["--steps", "3"], 2, /required option '--model <dir>' not specified/],
    [
      "unknown-option",
      () => [...usual(join(home, "unknown-option")), "--learning-rate", "1"],
      2,
      /unknown option '--learning-rate'/,
    ],
    [
      "bad-number",
      () => [...usual(join(home, "bad-number")), "--seed", "half"],
      2,
      /Expected an integer of at least 0/,
    ],
    [
      "bad-deviation",
      () => [...usual(join(home, "bad-deviation")), "--deviate", "speed=2"],
      1,
      /"speed=2" is not a deviation\. Write field=value with one of the fields lr, /,
    ],
    [
      "no-model",
      () => withArgument("--model", "/nowhere", "no-model"),
      1,
      /error: command-line: model: there is no directory \/nowhere/,
    ],
    [
      "no-data",
      () => withArgument("--data", "/nowhere.jsonl", "no-data"),
      1,
      /cannot read the data file \/nowhere\.jsonl/,
    ],
    [
      "missing-box",
      () =>
        withArgument(
          "--data",
          data("no-box.jsonl", (row) => delete row.bboxs),
          "missing-box",
        ),
      1,
      /line 1.*bboxs/,
    ],
    [
      "empty-answer",
      () =>
        withArgument(
          "--data",
          data("no-answer.jsonl", (row) => {
            row.answer = "";
          }),
          "empty-answer",
        ),
      1,
      /line 1.*answer/,
    ],
  ])("%s", async (name, args, code, message) => broken(name, args(), code, message), 30_000);

  test("a picture that does not decode stops the run with its name", async () => {
    const images = join(home, "bad-images");
    await writeDirectory(images, async (sink) => {
      for (let i = 0; i < 12; i++) await sink.write(`scene-${i}.png`, "not a picture");
    });
    const result = await train(withArgument("--images", images, "bad-picture"));
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/scene-\d+\.png/);
    expect(result.stderr).not.toMatch(/at .*\.mjs/);
  }, 30_000);

  test("weights that are cut off are named", async () => {
    const cut = join(home, "cut-model");
    await writeDirectory(cut, (sink) => writeTinyCheckpoint(sink, { seed: 1 }));
    const file = join(cut, "model.safetensors");
    writeFileSync(file, readFileSync(file).subarray(0, 100_000));
    await broken("cut", withArgument("--model", cut, "cut"), 1, /model\.safetensors/);
  }, 30_000);
});
