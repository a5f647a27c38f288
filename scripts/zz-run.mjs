// Bundles a TypeScript program of this repository from sources and runs it: node scripts/run.mjs PROGRAM.ts [ARGUMENT …]
// Workspace packages and tfjs's deep gradient modules are bundled; everything else is loaded from node_modules.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, stop } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const externalPackages = {
  name: "external-packages",
  setup(plugin) {
    plugin.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      if (path === "@imagine-opd/distillation-loss")
        return { path: join(root, "node_modules/.cache/zzdl/src/index.ts") };
      if (path.startsWith("@imagine-opd/") || path.startsWith("@tensorflow/tfjs-core/dist/")) return undefined;
      return { path, external: true };
    });
  },
};

/** Bundles `program` and returns the path of the module. */
export async function bundle(program) {
  const entry = resolve(program);
  const outfile = join(root, "node_modules/.cache/zz", relative(root, entry).replace(/\.ts$/, ".mjs"));
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile,
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    conditions: ["@imagine-opd/source"],
    alias: { "@imagine-opd/test-kit": join(root, "test-kit/src/index.ts") },
    plugins: [externalPackages],
    logLevel: "error",
  });
  // Renamed into place, so that programs started at the same time never read half a module.
  const partial = `${outfile}.${process.pid}`;
  await mkdir(dirname(outfile), { recursive: true });
  await writeFile(partial, outputFiles[0].contents);
  await rename(partial, outfile);
  return outfile;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [program, ...rest] = process.argv.slice(2);
  const outfile = await bundle(program);
  await stop(); // esbuild's own process would live as long as the program
  process.argv = [process.argv[0], outfile, ...rest];
  await import(pathToFileURL(outfile).href);
}
