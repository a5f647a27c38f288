import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type LineLog, openDirectory, openLineLog } from "@imagine-opd/host/node";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { type LoggedStep, readMetrics } from "@imagine-opd/run-log";

const checkpointName = /^step-(\d+)$/;

/** Where a run keeps what it makes. */
export interface RunDirectory {
  readonly path: string;
  /** The last complete checkpoint of this run, which is gone on with. */
  readonly resumeFrom: { readonly step: number; readonly path: string } | undefined;
  readonly checkpointPath: (step: number) => string;
  readonly finalPath: string;
  writeText(name: string, text: string): Promise<void>;
  /** Appends to TensorBoard's events; each start of a run has a file of its own. */
  appendEvents(bytes: Uint8Array): void;
  /** What `metrics.jsonl` holds; nothing before the first step. */
  readSteps(): readonly LoggedStep[];
  /** Opens a log of lines and drops those that a resumed run will write again. */
  openLog(name: string): Promise<LineLog>;
}

/** Checkpoints are renamed into place when they are whole, so every `step-N` that exists is complete. */
function findCheckpoints(path: string): number[] {
  const directory = join(path, "checkpoints");
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .flatMap((name) => {
      const match = checkpointName.exec(name);
      return match === null ? [] : [Number(match[1])];
    })
    .sort((a, b) => a - b);
}

function refuse(path: string, problem: string, remedy: string): never {
  throw new ImagineOpdError("invalid-argument", { where: "train-node", problem: `${path} ${problem}`, remedy });
}

/**
 * Opens the directory of a run.
 * @param start `new` refuses a directory that already holds a run; `resume` goes on from its last checkpoint
 */
export function openRunDirectory(path: string, start: "new" | "resume"): RunDirectory {
  const used = existsSync(join(path, "config.json"));
  const checkpointPath = (step: number) => join(path, "checkpoints", `step-${step}`);
  if (start === "new" && used)
    refuse(path, "already holds a run.", "Go on with it by --resume, or choose another --out.");
  if (start === "resume" && !used) refuse(path, "holds no run to resume.", "Start one without --resume.");
  const last = start === "resume" ? findCheckpoints(path).at(-1) : undefined;
  mkdirSync(join(path, "checkpoints"), { recursive: true });
  const files = openDirectory(path);
  const events = join(path, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.imagine-opd`);
  const kept = last ?? 0;
  return {
    path,
    resumeFrom: last === undefined ? undefined : { step: last, path: checkpointPath(last) },
    checkpointPath,
    finalPath: join(path, "final"),
    writeText: (name, text) => files.write(name, text),
    appendEvents: (bytes) => appendFileSync(events, bytes),
    readSteps() {
      const metrics = join(path, "metrics.jsonl");
      return existsSync(metrics) ? readMetrics(readFileSync(metrics, "utf8")).steps : [];
    },
    openLog: (name) =>
      openLineLog(join(path, name), { keep: (line) => (JSON.parse(line) as { step: number }).step <= kept }),
  };
}
