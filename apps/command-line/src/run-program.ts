import { isImagineOpdError } from "@imagine-opd/protocol";
import type { Command, CommanderError } from "commander";

/** Exit codes of every program. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** By its code, because two programs may bring two copies of commander. */
function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

function exitCodeOf(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (isImagineOpdError(error) && error.code === "aborted") return exitCodes.interrupted;
  return exitCodes.failed;
}

/** One clear line for what people can mend; the whole stack for what is our fault. */
function describeError(error: unknown): string | undefined {
  if (isCommanderError(error)) return undefined; // commander has said it
  if (isImagineOpdError(error)) return error.code === "aborted" ? "interrupted" : `error: ${error.message}`;
  if (error instanceof Error && "code" in error && "path" in error) return `error: ${error.message}`; // the file system's own words
  return `unexpected error, please report it:\n${error instanceof Error ? error.stack : String(error)}`;
}

/** A reader that has seen enough (`… | head -1`) is no failure of ours. */
function endQuietlyWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.done);
}

/**
 * Parses the command line, runs the program's action and ends the process with the contract's exit code.
 * @param words the command line without program and script; default: the process's
 */
export async function runProgram(program: Command, words: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.stdout.on("error", endQuietlyWithReader);
  program.exitOverride().allowExcessArguments(false).showHelpAfterError("(--help shows the options)");
  try {
    await program.parseAsync(words, { from: "user" });
    process.exitCode ??= exitCodes.done;
  } catch (error) {
    const description = describeError(error);
    if (description !== undefined) process.stderr.write(`${description}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
