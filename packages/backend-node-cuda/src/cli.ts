#!/usr/bin/env node
import { writeFileSync } from "node:fs";
import { isImagineOpdError } from "@imagine-opd/protocol";
import { type Command, help, parseCommand } from "./cli-options.ts";
import { removeBuilds } from "./setup/remove-builds.ts";
import { type SetupResult, setupTensorFlow } from "./setup/setup-tensorflow.ts";
import { verifyBackend } from "./verify/verify-backend.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const progress = (text: string): void => void process.stderr.write(`${text}\n`);

async function runSetup({ device, source }: Extract<Command, { kind: "setup" }>): Promise<void> {
  const result = await setupTensorFlow({ device, source, onStep: progress });
  const { record, addon } = result.build;
  say(`TensorFlow ${record.tensorflow} for ${device}: ${addon}`);
  if (device === "cuda") describeCard(result);
  progress(`Check it with: npx @imagine-opd/backend-node-cuda verify --device ${device}`);
}

function describeCard({ usesGpu, libraryPath }: SetupResult): void {
  if (!usesGpu) progress("TensorFlow finds no card that it can use here. TF_CPP_MIN_LOG_LEVEL=0 makes it say why.");
  else if (libraryPath.length > 0) {
    progress("TensorFlow finds the card only when Node is started with this in the environment:");
    say(`LD_LIBRARY_PATH=${libraryPath.join(":")}`);
  }
}

async function runVerify({ kind: _, out, ...options }: Extract<Command, { kind: "verify" }>): Promise<number> {
  const report = await verifyBackend(options);
  const text = JSON.stringify(report, null, 2);
  if (out === undefined) say(text);
  else writeFileSync(out, `${text}\n`);
  const { operations, goldens, training } = report;
  progress(
    `${report.passed ? "passed" : "FAILED"}: ${operations.failed.length} of ${operations.checked} operations are wrong; ` +
      `${goldens.failed.length} of ${goldens.checked} numbers of a whole model differ from ${goldens.reference}; ` +
      `losses differ by ${training.difference.toExponential(1)} at most (limit ${training.tolerance})`,
  );
  return report.passed ? 0 : 1;
}

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  if (command.kind === "help") say(help);
  else if (command.kind === "setup") await runSetup(command);
  else if (command.kind === "verify") return runVerify(command);
  else {
    const removed = removeBuilds(command.device);
    say(removed.length === 0 ? "There is nothing to remove." : removed.map((path) => `removed ${path}`).join("\n"));
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!isImagineOpdError(error)) throw error;
  progress(error.message);
  process.exitCode = error.code === "invalid-argument" ? 2 : 1;
}
