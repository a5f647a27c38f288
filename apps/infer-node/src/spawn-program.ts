import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface FinishedProgram {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program of this app as `npm run` does; for tests.
 * @param interruptAt sends SIGINT once stderr holds this text
 */
export function spawnProgram(
  name: "ask" | "evaluate",
  words: readonly string[],
  { interruptAt }: { readonly interruptAt?: string } = {},
): Promise<FinishedProgram> {
  const child = spawn(process.execPath, ["scripts/run.mjs", `apps/infer-node/src/${name}.ts`, ...words], { cwd: root });
  const written = { stdout: "", stderr: "" };
  let interrupted = false;
  child.stdout.setEncoding("utf8").on("data", (text) => {
    written.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    written.stderr += text;
    if (interruptAt === undefined || interrupted || !written.stderr.includes(interruptAt)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, ...written }));
  });
}
