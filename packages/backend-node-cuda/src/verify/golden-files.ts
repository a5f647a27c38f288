import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type FileSource, ImagineOpdError } from "@imagine-opd/protocol";

/** The folder `goldens` of this package, wherever the running file was bundled to. */
export const goldenFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve("@imagine-opd/backend-node-cuda/package.json")), "goldens");

/** A folder of small files, each read whole. */
export function openGoldens(folder: string = goldenFolder()): FileSource {
  const whole = (name: string): Uint8Array | undefined => {
    const path = join(folder, name);
    return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
  };
  return {
    list: async () => readdirSync(folder).sort(),
    size: async (name) => whole(name)?.length,
    read: async (name, range) => {
      const bytes = whole(name);
      if (bytes !== undefined) return range === undefined ? bytes : bytes.slice(range.from, range.to);
      throw new ImagineOpdError("missing-file", {
        where: "backend-node-cuda.verify",
        problem: `the package has no ${name} in ${folder}.`,
        remedy: "Install @imagine-opd/backend-node-cuda again.",
      });
    },
  };
}
