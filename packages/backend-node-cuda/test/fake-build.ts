import { join } from "node:path";
import type { BuildRecord } from "../src/cache.ts";
import { writeInto } from "./temporary-folder.ts";

/** Puts what looks like a finished build into a cache, and returns its folder. */
export function fakeBuild(xdgCache: string, changes: Partial<BuildRecord> = {}): string {
  const record: BuildRecord = {
    format: 1,
    device: "cpu",
    tensorflow: "2.21.0",
    tfjs: "4.22.0",
    platform: `${process.platform}-${process.arch}`,
    compiler: "g++ 12",
    library: "site/tensorflow",
    ...changes,
  };
  const name = `${record.device}-tensorflow-${record.tensorflow}-tfjs-${record.tfjs}`;
  const folder = join(xdgCache, "imagine-opd", "tensorflow", name);
  writeInto(folder, "build.json", JSON.stringify(record));
  writeInto(folder, "tfjs_binding.node", "");
  writeInto(folder, "tfjs-node/package.json", "{}");
  return folder;
}
