import type { Options } from "tsup";

/** The build of every package: ESM and CJS with declarations, from the named entry files. */
export function library(entry: string[] = ["src/index.ts"]): Options {
  return {
    entry,
    format: ["esm", "cjs"],
    dts: true,
    clean: true,
    sourcemap: true,
    target: "es2022",
    treeshake: true,
    // Plain Node cannot load tfjs's deep gradient modules, so they are bundled (they meet the core in its global engine).
    noExternal: [/^@tensorflow\/tfjs-core\/dist\//],
  };
}
