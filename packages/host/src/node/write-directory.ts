import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type FileSink, ImagineOpdError } from "@imagine-opd/protocol";
import { openDirectory } from "./open-directory.ts";
import { partialPath, syncDirectory } from "./write-file.ts";

async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(path, entry.name));
  }
  await syncDirectory(path);
}

async function targetKind(path: string): Promise<"absent" | "directory" | "other"> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return "absent";
  return found.isDirectory() ? "directory" : "other";
}

/** Puts `partial` in the place of the directory `target`. No system call swaps two directories: the old one steps aside first. */
async function replaceDirectory(partial: string, target: string): Promise<void> {
  const old = join(dirname(target), `.${basename(target)}.${randomUUID()}.replaced`);
  await rename(target, old);
  try {
    await rename(partial, target);
  } catch (error) {
    await rename(old, target);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

/**
 * Writes a whole directory at once: `fill` writes into a hidden sibling, which is synced and renamed to `path` when
 * `fill` has resolved. An existing directory is replaced only then. When anything fails, `path` is as it was and nothing
 * is left behind.
 *
 * A process that is killed may leave a hidden `.name.….partial` beside `path`, never a half-written `path`; killed between
 * the two renames of a replacement, the previous directory is found as `.name.….replaced`.
 * @throws invalid-argument when `path` is there and is not a directory; whatever `fill` throws
 */
export async function writeDirectory(path: string, fill: (sink: FileSink) => Promise<void>): Promise<void> {
  const target = resolve(path);
  const kind = await targetKind(target);
  if (kind === "other") {
    throw new ImagineOpdError("invalid-argument", {
      where: "host/node.writeDirectory",
      problem: `${path} is there and is not a directory.`,
      remedy: "Choose another path or move the file away.",
      details: { path },
    });
  }
  const partial = partialPath(target);
  await mkdir(partial, { recursive: true });
  try {
    await fill(openDirectory(partial));
    await syncTree(partial);
    if (kind === "absent") await rename(partial, target);
    else await replaceDirectory(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(target));
}
