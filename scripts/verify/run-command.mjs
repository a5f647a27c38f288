import { spawn } from "node:child_process";

/**
 * Runs a command to its end, `input` on its stdin, and gives what it wrote to stdout.
 * @throws with the end of its stderr when it fails
 */
export function runCommand(command, args, { input = "", env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env } });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8").on("data", (text) => {
        output[stream] += text;
      });
    }
    child.on("error", reject);
    child.stdin.on("error", () => {}); // the command ended without reading; its exit code says why
    child.stdin.end(input);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output.stdout);
      const last = output.stderr.trim().split("\n").slice(-3).join(" | ");
      reject(new Error(`${command} ${args.slice(0, 2).join(" ")}: ${signal ?? `exit code ${code}`}: ${last}`));
    });
  });
}

/** One JSON value of every line. */
export function parseLines(text) {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Maps with at most `lanes` items under way at a time; results are in the items' order. */
export async function mapInLanes(items, lanes, map) {
  const results = [];
  let next = 0;
  const walk = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await map(items[index]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, walk));
  return results;
}
