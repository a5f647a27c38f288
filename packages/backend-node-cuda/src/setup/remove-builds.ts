import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { NodeDevice } from "../backend-report.ts";
import { cacheDirectory } from "../cache.ts";

/**
 * Removes what `setup` put into the cache: all builds for a device, or for both, and what an interrupted setup left. Installed
 * packages stay.
 * @returns the folders removed
 */
export function removeBuilds(device?: NodeDevice, env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const cache = cacheDirectory(env);
  if (!existsSync(cache)) return [];
  const ours = (name: string): boolean =>
    name.startsWith(".building-") || name.startsWith(device === undefined ? "" : `${device}-tensorflow-`);
  const folders = readdirSync(cache)
    .filter(ours)
    .map((name) => join(cache, name));
  for (const folder of folders) rmSync(folder, { recursive: true });
  return folders;
}
