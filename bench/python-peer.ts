import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type BackendName, backendNames } from "@imagine-opd/command-line";

export interface BenchOptions {
  /** What computes on our side. @default "wasm" */
  readonly backend: BackendName;
  /** Python with torch (and transformers); the peer is left out without it. */
  readonly python?: string;
  /** Only JSON on stdout, no table on stderr. */
  readonly json: boolean;
}

/** The options that every benchmark takes: `--python PATH` and `--json`. */
export function readBenchOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      python: { type: "string" },
      backend: { type: "string", default: "wasm" },
      json: { type: "boolean", default: false },
    },
  });
  if (!(backendNames as readonly string[]).includes(values.backend))
    throw new Error(`--backend is one of ${backendNames.join(", ")}`);
  return { ...values, backend: values.backend as BackendName };
}

/** Runs a peer of this folder with a number of torch threads; its last line of output is the result. */
export function runPeer<Result>(python: string, script: string, threads: number, args: readonly string[]): Result {
  const path = fileURLToPath(new URL(`../bench/${script}`, rootUrl()));
  const output = execFileSync(python, [path, String(threads), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: String(threads), HF_HUB_OFFLINE: "1" },
  });
  return JSON.parse(output.trim().split("\n").at(-1)!) as Result;
}

/** Benchmarks run as bundles somewhere below the repository's root, from which they are started. */
function rootUrl(): URL {
  return new URL("bench/", `file://${process.cwd()}/`);
}

/** Milliseconds on the clock, and of all processors together; the latter suffer less from other programs on the machine. */
export interface Times {
  readonly wall: number;
  readonly processor: number;
}

/** The shortest of several runs, clock and processor each for itself. */
export async function shortestTimes(rounds: number, run: () => unknown): Promise<Times> {
  let [wall, processor] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await run();
    const { user, system } = process.cpuUsage(used);
    wall = Math.min(wall, performance.now() - start);
    processor = Math.min(processor, (user + system) / 1000);
  }
  return { wall, processor };
}

/** The shortest of several runs on the clock, in milliseconds. */
export async function shortestOf(rounds: number, run: () => unknown): Promise<number> {
  return (await shortestTimes(rounds, run)).wall;
}

/** `wall (processor)` of two sides, as how many times `a` is of `b`. */
export function compareTimes(a: Times, b: Times): string {
  return `${(a.wall / b.wall).toFixed(2)} (${(a.processor / b.processor).toFixed(2)})`;
}

/** Prints rows of cells under a head on stderr. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  for (const row of [head, ...rows]) console.error(row.map((cell, i) => cell.padStart(widths[i]!)).join("  "));
}
