import { spawn } from "node:child_process";
import { ImagineOpdError } from "@imagine-opd/protocol";

export interface RunCommandOptions {
  /** What it is run for, to begin the message of a failure. */
  readonly purpose: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/**
 * Runs a program without a shell and returns what it wrote to stdout.
 * @throws missing-part when the program is not there or fails, with the end of what it said
 */
export async function runCommand(
  command: string,
  parameters: readonly string[],
  { purpose, env, cwd }: RunCommandOptions,
): Promise<string> {
  const fail = (reason: string, cause?: unknown) =>
    new ImagineOpdError("missing-part", {
      where: "backend-node-cuda.setup",
      problem: `${purpose}: ${reason}`,
      details: { command, parameters },
      cause,
    });
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    const written = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      written.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      written.stderr += text;
    });
    child.on("error", (cause) => reject(fail(`${command} could not be started.`, cause)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(written.stdout);
      const end = `${written.stderr || written.stdout}`.trim().split("\n").slice(-8).join("\n");
      reject(fail(`${command} ended with ${signal ?? `exit code ${code}`}.\n${end}`));
    });
  });
}
