/**
 * `npm run bench [-- NAME … --backend NAME --json FILE]`: runs benchmarks one after the other, each in a process of its own,
 * and collects their results with what they ran on.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, platform, totalmem } from "node:os";
import { runProgram } from "@imagine-opd/command-line";
import { Command } from "commander";

interface Bench {
  readonly takesBackend: boolean;
  /** Why it runs only when it is named. */
  readonly onlyNamed?: string;
}

const needsDriver = "needs WebGPU's driver";

/** Programs of this folder. Each prints tables on stderr and one JSON value on stdout. */
const benches: Readonly<Record<string, Bench>> = {
  "wasm-matmul": { takesBackend: false },
  "loss-through-head": { takesBackend: true },
  "kernel-counts": { takesBackend: true },
  "kernel-profile": { takesBackend: true },
  "cost-curves": { takesBackend: true },
  decode: { takesBackend: false },
  "train-step": { takesBackend: false },
  "opd-step": { takesBackend: false },
  "smolvlm-256m": { takesBackend: true, onlyNamed: "takes half a gigabyte of disk" },
  "webgpu-matmul": { takesBackend: false, onlyNamed: `${needsDriver}, and a GPU at its own sizes` },
  "webgpu-kernels": { takesBackend: false, onlyNamed: needsDriver },
  "webgpu-loss": { takesBackend: false, onlyNamed: needsDriver },
  "webgpu-accuracy": { takesBackend: false, onlyNamed: `${needsDriver}, and up to hours without a GPU` },
};

const leftOut = Object.entries(benches).flatMap(([name, { onlyNamed }]) =>
  onlyNamed === undefined ? [] : `${name} (${onlyNamed})`,
);

interface BenchRun {
  readonly name: string;
  readonly seconds: number;
  readonly exitCode: number | null;
  /** What the benchmark printed; absent when it failed. */
  readonly result?: unknown;
}

function runBench(name: string, backend: string | undefined): BenchRun {
  const chosen = backend !== undefined && benches[name]!.takesBackend ? ["--backend", backend] : [];
  console.error(`\n== ${name}`);
  const started = performance.now();
  const { status, stdout } = spawnSync(process.execPath, ["scripts/run.mjs", `bench/${name}.ts`, ...chosen], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
  const run = { name, seconds: (performance.now() - started) / 1000, exitCode: status };
  return status === 0 ? { ...run, result: JSON.parse(stdout) } : run;
}

function describeMachine() {
  const { dependencies } = JSON.parse(readFileSync("package-lock.json", "utf8")).packages["packages/backend-wasm"];
  const [first, ...others] = cpus();
  return {
    date: new Date().toISOString(),
    cpu: first?.model,
    cores: 1 + others.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: loadavg().map((load) => Number(load.toFixed(2))),
    platform: platform(),
    node: process.version,
    tfjs: dependencies["@tensorflow/tfjs-backend-wasm"],
  };
}

interface RunOptions {
  readonly backend?: string;
  readonly json?: string;
}

const program = new Command("bench")
  .description(`Runs benchmarks: ${Object.keys(benches).join(", ")}.`)
  .argument("[names...]", `which ones (default: all but ${leftOut.join(", ")})`)
  .option("--backend <name>", "for the benchmarks that can run on several (default: wasm)")
  .option("--json <file>", "write everything there instead of to stdout")
  .action((names: readonly string[], { backend, json }: RunOptions, command: Command) => {
    const unknown = names.filter((name) => benches[name] === undefined);
    if (unknown.length > 0) command.error(`there is no benchmark "${unknown.join('", "')}".`, { exitCode: 2 });
    const chosen = names.length > 0 ? names : Object.keys(benches).filter((name) => !benches[name]!.onlyNamed);
    const machine = describeMachine();
    const runs = chosen.map((name) => runBench(name, backend));
    console.error("\nbenchmark            seconds  outcome");
    for (const { name, seconds, exitCode } of runs)
      console.error(`${name.padEnd(20)} ${seconds.toFixed(1).padStart(7)}  ${exitCode === 0 ? "done" : "failed"}`);
    const text = `${JSON.stringify({ machine, runs }, null, 2)}\n`;
    if (json === undefined) process.stdout.write(text);
    else writeFileSync(json, text);
    if (runs.some(({ exitCode }) => exitCode !== 0)) process.exitCode = 1;
  });

await runProgram(program);
