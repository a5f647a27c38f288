/**
 * One whole Imagine-OPD step of the tiny model: 32 prompts, rollouts of 23 tokens, the frozen teacher's scores under the
 * privileged prompt, forward, backward, clipping and AdamW of all weights; against a script on transformers that does the
 * same. Run it with `node scripts/run.mjs bench/opd-step.ts [--backend NAME] [--python PATH] [--json]`.
 */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBackend } from "@imagine-opd/command-line";
import type { StepResult } from "@imagine-opd/trainer";
import { printTable, readBenchOptions, runPeer } from "./python-peer.ts";
import { withTinyModel, writePrompts } from "./tiny-batch.ts";
import { createTinyStep } from "./tiny-step.ts";

const rounds = 5;

interface Measured {
  /** Shortest step and its parts, seconds. */
  readonly seconds: number;
  readonly rollout: number;
  readonly teacher: number;
  readonly update: number;
  /** Seconds of all processors together; other programs on the machine disturb them less. */
  readonly processor: number;
}

/** Times of one step. */
async function measureStep(run: () => Promise<StepResult>): Promise<Measured> {
  const used = process.cpuUsage();
  const { system = {} } = (await run()).metrics;
  const { user, system: kernel } = process.cpuUsage(used);
  const part = (name: string): number => Number(system[name]);
  return {
    seconds: part("seconds"),
    rollout: part("rolloutSeconds"),
    teacher: part("teacherSeconds"),
    update: part("updateSeconds"),
    processor: (user + kernel) / 1e6,
  };
}

const options = readBenchOptions();
await openBackend(options.backend);
await withTinyModel({ kind: "full", vision: "trainable" }, async (model, directory) => {
  const step = createTinyStep(model);
  const { students, teachers, batchSize, newTokens } = step;
  await step.run(1);
  const steps: Measured[] = [];
  for (let round = 0; round < rounds; round++) steps.push(await measureStep(() => step.run(2 + round)));
  const ours = steps.reduce((best, one) => (one.seconds < best.seconds ? one : best));
  step.dispose();

  const peers: Record<string, Measured> = {};
  if (options.python !== undefined) {
    const file = join(tmpdir(), `imagine-opd-prompts-${process.pid}.json`);
    await writePrompts(file, { students, teachers }, model.processor.placeholderTokenIds);
    for (const threads of [1, 2]) {
      const args = [directory, file, String(newTokens), String(rounds)];
      peers[`transformers, ${threads} threads`] = runPeer<Measured>(options.python, "opd_step.py", threads, args);
    }
  }
  if (!options.json) {
    printTable(
      ["step", "s", "times as long (processor)", "processor s", "rollout", "teacher", "update"],
      Object.entries({ [options.backend]: ours, ...peers }).map(([name, { seconds, processor, ...parts }]) => [
        name,
        seconds.toFixed(3),
        name === options.backend
          ? ""
          : `${(ours.seconds / seconds).toFixed(2)} (${(ours.processor / processor).toFixed(2)})`,
        processor.toFixed(3),
        ...[parts.rollout, parts.teacher, parts.update].map((part) => part.toFixed(3)),
      ]),
    );
  }
  const tokens = { student: students[0]!.tokenIds.length, teacher: teachers[0]!.tokenIds.length };
  console.log(
    JSON.stringify({
      bench: "opd-step",
      batchSize,
      newTokens,
      backend: options.backend,
      promptTokens: tokens,
      ours,
      peers,
    }),
  );
});
