// The long checks: npm run verify [-- --skip-tests]. What each one compares is in scripts/verify/README.md.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkAnswers } from "./verify/check-answers.mjs";
import { checkBaseModel } from "./verify/check-base-model.mjs";
import { checkFixtures } from "./verify/check-fixtures.mjs";
import { checkSavedModels } from "./verify/check-saved-models.mjs";
import { findPython } from "./verify/find-python.mjs";

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const { values: options } = parseArgs({ options: { "skip-tests": { type: "boolean", default: false } } });
const counts = { passed: 0, failed: 0, skipped: 0 };

function report({ outcome, name, detail }) {
  counts[outcome]++;
  console.log(`${outcome}  ${name}: ${detail}`);
}

async function runChecks(name, results) {
  const started = performance.now();
  try {
    for await (const result of results) report(result);
  } catch (error) {
    report({ outcome: "failed", name, detail: error.message });
  }
  console.log(`        ${name} took ${Math.round((performance.now() - started) / 1000)} s`);
}

function* checkTests() {
  for (const script of ["test", "test:browser"]) {
    const { status } = spawnSync("npm", ["run", script], { stdio: "inherit" });
    yield {
      outcome: status === 0 ? "passed" : "failed",
      name: "tests",
      detail: `npm run ${script} ended with ${status}`,
    };
  }
}

async function* checkPython() {
  const { python, reason } = await findPython();
  const detail = reason ?? python;
  yield { outcome: python === undefined ? "skipped" : "passed", name: "Python with transformers and PEFT", detail };
  if (python === undefined) return;
  await runChecks("saved models", checkSavedModels({ python }));
  await runChecks("answers", checkAnswers({ python }));
  await runChecks("base model", checkBaseModel({ python }));
  await runChecks("goldens", checkFixtures({ python }));
}

/** The goldens and the adapter's own check on native TensorFlow, where `npm run setup-tensorflow` has built the binding. */
function* checkTensorFlow() {
  const name = "native TensorFlow";
  const adapter = [
    "scripts/run.mjs",
    "packages/backend-node-cuda/src/cli.ts",
    "verify",
    "--device",
    "cpu",
    "--out",
    ".cache/tensorflow-report.json",
  ];
  const verify = spawnSync(process.execPath, adapter, { encoding: "utf8" });
  // Only its absence is a skip; whatever else goes wrong is a failure.
  if (verify.status !== 0 && verify.stderr.includes("there is no TensorFlow for the device")) {
    yield {
      outcome: "skipped",
      name,
      detail: `not set up (npm run setup-tensorflow): ${verify.stderr.trim().split("\n").at(-1)}`,
    };
    return;
  }
  yield {
    outcome: verify.status === 0 ? "passed" : "failed",
    name: `${name}, probe and 20 training steps`,
    detail: `ended with ${verify.status}`,
  };
  const { status } = spawnSync("npx", ["vitest", "run", "--project", "golden", "-t", "tensorflow-cpu"], {
    stdio: "inherit",
  });
  yield {
    outcome: status === 0 ? "passed" : "failed",
    name: `${name}, goldens`,
    detail: `vitest ended with ${status}`,
  };
}

if (!options["skip-tests"]) await runChecks("tests", checkTests());
await runChecks("Python cross-checks", checkPython());
await runChecks("native TensorFlow", checkTensorFlow());
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
