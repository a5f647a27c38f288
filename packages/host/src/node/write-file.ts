import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What can be written to a file. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const partialName = /^\..+\.[0-9a-f-]{36}\.partial$/;

/** True for the hidden names under which files are written until they are complete. */
export function isPartialName(name: string): boolean {
  return partialName.test(name);
}

/** A hidden, unique name beside `path`, in the same file system, so that it can be renamed to it. */
export function partialPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.partial`);
}

/** Writes all bytes: one call of the system may take fewer than it was given. */
async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

async function writeContent(handle: FileHandle, content: FileContent): Promise<void> {
  if (typeof content === "string") return writeFully(handle, new TextEncoder().encode(content));
  if (content instanceof Uint8Array) return writeFully(handle, content);
  for await (const chunk of content) await writeFully(handle, chunk);
}

/** Makes renames inside a directory durable. Systems that cannot open a directory (Windows) order them by themselves. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

/** Writes a file under a hidden name, syncs it and renames it: `path` holds the old content or all of the new one. */
export async function writeFileAtomically(path: string, content: FileContent): Promise<void> {
  const partial = partialPath(path);
  try {
    const handle = await open(partial, "wx");
    try {
      await writeContent(handle, content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
