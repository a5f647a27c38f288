import { isImagineOpdError } from "@imagine-opd/protocol";
import { type Command, CommanderError } from "commander";

/** Exit codes of every program. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (isImagineOpdError(error) && error.code === "aborted") return exitCodes.interrupted;
  return exitCodes.failed;
}

/** One clear line for what people can mend; the whole stack for what is our fault. */
function describeError(error: unknown): string | undefined {
  if (error instanceof CommanderError) return undefined; // commander has said it
  if (isImagineOpdError(error)) return error.code === "aborted" ? "interrupted" : `error: ${error.message}`;
  if (error instanceof Error && "code" in error && "path" in error) return `error: ${error.message}`; // the file system's own words
  return `unexpected error, please report it:\n${error instanceof Error ? error.stack : String(error)}`;
}

/** Parses the command line, runs the program's action and ends the process with the contract's exit code. */
export async function runProgram(program: Command): Promise<void> {
  program.exitOverride().configureOutput({ writeOut: (text) => process.stdout.write(text) });
  program.showHelpAfterError("(--help shows the options)");
  try {
    await program.parseAsync();
    process.exitCode ??= exitCodes.done;
  } catch (error) {
    const description = describeError(error);
    if (description !== undefined) process.stderr.write(`${description}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
