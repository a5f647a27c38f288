import { type FileHandle, mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FileSink, FileSource } from "@imagine-opd/protocol";
import { checkFileName } from "../check-file-name.ts";
import { type ByteRange, checkRange, missingFile, pastTheEnd } from "../file-range.ts";
import { type FileContent, isPartialName, writeFileAtomically } from "./write-file.ts";

const where = "host/node.openDirectory";

/** Bytes of one call to the system: it refuses 2 GiB and more. */
const readLimit = 1 << 30;

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Names below `path`. Links to files count as files (the hub's cache is made of them); links to directories are not followed. */
async function listNames(path: string, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const name = prefix + entry.name;
    if (entry.isDirectory()) {
      if (!isPartialName(entry.name)) names.push(...(await listNames(join(path, entry.name), `${name}/`)));
    } else if (!isPartialName(entry.name) && (await sizeOf(join(path, entry.name))) !== undefined) {
      names.push(name);
    }
  }
  return names;
}

async function readRange(handle: FileHandle, { from, to }: ByteRange): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(to - from);
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, readLimit);
    const { bytesRead } = await handle.read(bytes, done, length, from + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return bytes;
}

/**
 * A directory as a place of named files. Names are relative, with `/` for nested ones; `..` and absolute names are
 * refused. Ranges are read in place, so files may be larger than memory. A write is complete or invisible: it goes to a
 * hidden name, is synced, and renamed; missing directories on the way are made.
 */
export function openDirectory(path: string): FileSource & FileSink {
  const pathOf = (name: string): string => {
    checkFileName(name, where);
    return join(path, name);
  };
  return {
    async list(): Promise<readonly string[]> {
      try {
        return (await listNames(path, "")).sort();
      } catch (error) {
        throw isAbsent(error) ? missingFile(".", path, where, error) : error;
      }
    },
    async size(name: string): Promise<number | undefined> {
      return sizeOf(pathOf(name));
    },
    async read(name: string, range?: ByteRange): Promise<Uint8Array> {
      const file = pathOf(name);
      if (range !== undefined) checkRange(range, name, where);
      const size = await sizeOf(file);
      if (size === undefined) throw missingFile(name, path, where);
      const wanted = range ?? { from: 0, to: size };
      if (wanted.to > size) throw pastTheEnd(wanted, size, name, where);
      const handle = await open(file, "r");
      try {
        const bytes = await readRange(handle, wanted);
        if (bytes === undefined) throw pastTheEnd(wanted, undefined, name, where);
        return bytes;
      } finally {
        await handle.close();
      }
    },
    async write(name: string, content: FileContent): Promise<void> {
      const file = pathOf(name);
      await mkdir(dirname(file), { recursive: true });
      await writeFileAtomically(file, content);
    },
  };
}
