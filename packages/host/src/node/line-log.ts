import { createReadStream } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { writeFileAtomically } from "./write-file.ts";

const where = "host/node.openLineLog";

/** A text file that grows by whole lines. */
export interface LineLog {
  /** Adds one line (without its line feed). Calls may overlap: lines are written one after the other, in call order. */
  append(line: string): Promise<void>;
  /** Waits for the lines that are under way, syncs the file and closes it. Closing again does nothing. */
  close(): Promise<void>;
}

/** The complete lines of a file that `keep` accepts, with their line feeds; a last line without one is torn and left out. */
async function* keptLines(path: string, keep: (line: string) => boolean): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop()!;
    const kept = lines.filter((line) => keep(line));
    if (kept.length > 0) yield encoder.encode(`${kept.join("\n")}\n`);
  }
}

function refuse(code: "invalid-argument" | "disposed", problem: string): never {
  throw new ImagineOpdError(code, { where, problem });
}

/**
 * Opens a log of lines (JSON lines, for example) to append to; the file and its directories are made when they are not there.
 * A last line without its line feed was torn by a crash and is removed. So are the lines that `keep` refuses, which is how a
 * resumed run drops what came after its checkpoint: the rest is written beside the file and renamed over it.
 * @throws invalid-argument from `append` for a line with a line feed; disposed after `close`
 */
export async function openLineLog(
  path: string,
  options: {
    /** Decides which complete lines stay. @default every line */
    readonly keep?: (line: string) => boolean;
  } = {},
): Promise<LineLog> {
  await mkdir(dirname(path), { recursive: true });
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) await writeFileAtomically(path, keptLines(path, options.keep ?? (() => true)));
  const file = await open(path, "a");
  let length = (await file.stat()).size;
  let last: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;

  async function writeLine(line: string): Promise<void> {
    const bytes = new TextEncoder().encode(`${line}\n`);
    try {
      await file.appendFile(bytes);
      length += bytes.length;
    } catch (error) {
      // A full disk may have taken half of the line; the next one must not be glued to it.
      await file.truncate(length).catch(() => undefined);
      throw error;
    }
  }

  return {
    async append(line: string): Promise<void> {
      if (closing !== undefined) refuse("disposed", `${path} is closed.`);
      if (line.includes("\n"))
        refuse("invalid-argument", `a line must not hold a line feed, got ${JSON.stringify(line)}.`);
      const written = last.then(() => writeLine(line));
      last = written.catch(() => undefined);
      return written;
    },
    close(): Promise<void> {
      closing ??= last.then(() => file.sync()).finally(() => file.close());
      return closing;
    },
  };
}
