/** `npm run probe`: whether a backend computes everything that training needs, forward and backward. */
import { type BackendName, backendNames, openBackend, runProgram } from "@imagine-opd/command-line";
import { type ProbeRow, probe, probePassed } from "@imagine-opd/tensor-ops/probe";
import { Command, Option } from "commander";

function describeRow({ op, forward, gradient, worstError, milliseconds, problem }: ProbeRow): string {
  const cells = [op.padEnd(52), forward.padEnd(8), gradient.padEnd(11), worstError.toExponential(1).padStart(9)];
  const table = `${cells.join(" ")} ${milliseconds.toFixed(1).padStart(7)}`;
  return problem === undefined ? table : `${table}\n    ${problem}`;
}

function describeTable(backend: string, rows: readonly ProbeRow[]): string {
  const failed = rows.filter((row) => !probePassed([row]));
  const verdict = failed.length === 0 ? `all ${rows.length} right` : `${failed.length} of ${rows.length} not right`;
  const head = `${"operation".padEnd(52)} forward  gradient    worst err      ms`;
  return [head, ...rows.map(describeRow), `${backend}: ${verdict}`].join("\n");
}

const program = new Command("probe")
  .description("Runs every operation that training needs and compares values and gradients with float64 references.")
  .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("auto"))
  .option("--json", "print one JSON object instead of the table", false)
  .action(async ({ backend, json }: { backend: BackendName; json: boolean }) => {
    const opened = await openBackend(backend);
    const rows = await probe();
    const report = { backend: opened, passed: probePassed(rows), rows };
    process.stdout.write(`${json ? JSON.stringify(report) : describeTable(opened.name, rows)}\n`);
    if (!report.passed) process.exitCode = 1;
  });

await runProgram(program);
