// Runs the backend packages on other versions of Node: setup of native TensorFlow with that Node, its verification, and the unit
// tests of the backends. The npm package `node` brings the program itself; everything goes to `.cache/node-VERSION`.
//   node scripts/check-node-versions.mjs [VERSION …] [--tensorflow DIR|WHEEL|VERSION]       (default: 22 24)
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { tensorflow: { type: "string" } } });
const versions = positionals.length > 0 ? positionals : ["22", "24"];
const cli = ["scripts/run.mjs", "packages/backend-node-cuda/src/cli.ts"];
const packages = ["backend-wasm", "backend-node-cuda", "tensor-ops", "optim"].map((name) => `packages/${name}`);

/** A folder with that Node, whose TensorFlow is kept apart from the user's. */
function installNode(version) {
  const folder = resolve(".cache", `node-${version}`);
  mkdirSync(folder, { recursive: true });
  const parameters = ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder];
  const { status } = spawnSync("npm", [...parameters, `node@${version}`], { stdio: ["ignore", "ignore", "inherit"] });
  const path = [join(folder, "node_modules/.bin"), process.env.PATH].join(delimiter);
  return { status, env: { ...process.env, PATH: path, XDG_CACHE_HOME: join(folder, "cache") } };
}

function* checkVersion(version) {
  const { status, env } = installNode(version);
  yield { name: "install", status };
  if (status !== 0) return;
  const run = (name, ...parameters) => {
    const ended = spawnSync("node", parameters, { env, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    if (ended.status !== 0) console.error(ended.stderr);
    return { name, status: ended.status, detail: ended.stderr.trim().split("\n").at(-1) };
  };
  const reported = spawnSync("node", ["--version"], { env, encoding: "utf8" }).stdout.trim();
  yield { name: "version", status: reported.startsWith(`v${version}`) ? 0 : 1, detail: reported };
  const source = values.tensorflow === undefined ? [] : ["--tensorflow", values.tensorflow];
  yield run("setup", ...cli, "setup", "--device", "cpu", ...source);
  yield run(
    "verify",
    ...cli,
    "verify",
    "--device",
    "cpu",
    "--out",
    resolve(".cache", `node-${version}`, "report.json"),
  );
  yield run("unit tests", "node_modules/vitest/vitest.mjs", "run", "--project", "unit", ...packages);
}

let failed = 0;
for (const version of versions) {
  for (const { name, status, detail = "" } of checkVersion(version)) {
    if (status !== 0) failed += 1;
    console.log(`Node ${version}, ${name}: ${status === 0 ? "passed" : "FAILED"} ${detail}`);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
