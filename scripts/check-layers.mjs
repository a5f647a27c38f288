// Checks the rules of the house that `layers.json` states: imports go down only, and libraries know no platform.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const { layers, onlyAppsMayImport } = JSON.parse(readFileSync("layers.json", "utf8"));
const layerOf = new Map(layers.flatMap((names, layer) => names.map((name) => [name, layer])));
const problems = [];

/** Every file below a directory. */
function walk(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (name === "node_modules" || name === "dist") return [];
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

function importsOf(source) {
  const statements = /^(?:import|export)\s[^"';]*?from\s*["']([^"'\n]+)["']|^import\s*["']([^"'\n]+)["']/gm;
  const calls = /\bimport\(\s*["']([^"'\n]+)["']/g;
  return [...source.matchAll(statements), ...source.matchAll(calls)].map((match) => match[1] ?? match[2]);
}

/** Names of the peers of a package's own dependencies in this repository. */
function peersOfDependencies({ dependencies = {} }) {
  const own = Object.keys(dependencies).filter((name) => name.startsWith("@imagine-opd/"));
  return new Set(
    own.flatMap((name) => {
      const file = join("packages", name.slice("@imagine-opd/".length), "package.json");
      return Object.keys(JSON.parse(readFileSync(file, "utf8")).peerDependencies ?? {});
    }),
  );
}

const platform = /\b(process|navigator|document|window)\s*[.[]|["']node:/;
const mayUsePlatform = new Set(["host", "backend-node-cuda", "backend-webgpu"]);
const vagueName = /(^|\/)(utils?|helpers?|common|misc)\.(ts|mjs)$/;

for (const name of readdirSync("packages")) {
  const directory = join("packages", name);
  if (!layerOf.has(name)) problems.push(`${directory}: not in layers.json`);
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const declared = new Set(
    [manifest.dependencies, manifest.peerDependencies].flatMap((deps) => Object.keys(deps ?? {})),
  );
  for (const dependency of declared) {
    if (!dependency.startsWith("@imagine-opd/")) continue;
    const other = dependency.slice("@imagine-opd/".length);
    if (onlyAppsMayImport.includes(other)) problems.push(`${directory}: only apps and tests may depend on ${other}`);
    if (!(layerOf.get(other) < layerOf.get(name)))
      problems.push(`${directory}: may not depend on ${other}, which is not in a lower layer`);
  }
  for (const file of ["README.md", "src/index.ts", "tsup.config.ts", "tsconfig.json"]) {
    if (!existsSync(join(directory, file)) && !(name === "host" && file === "src/index.ts"))
      problems.push(`${directory}: ${file} is missing`);
  }
  const used = new Set();
  for (const file of walk(join(directory, "src")).filter((path) => path.endsWith(".ts"))) {
    const source = readFileSync(file, "utf8");
    const isTest = /\.(test|test-d|browser\.test)\.ts$/.test(file);
    if (isTest) continue;
    if (!mayUsePlatform.has(name) && platform.test(source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")))
      problems.push(`${file}: libraries do not touch the platform`);
    for (const specifier of importsOf(source)) {
      if (specifier.startsWith(".") || specifier.startsWith("node:")) continue;
      const root = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      used.add(root);
      if (root !== "@imagine-opd/test-kit" && !declared.has(root))
        problems.push(`${file}: imports ${root}, which package.json does not declare`);
      if (root === "@imagine-opd/test-kit") problems.push(`${file}: only tests may import the test kit`);
    }
  }
  // A dependency's peer is passed on to those who install the package, also when no source of its own imports it.
  const passedOn = peersOfDependencies(manifest);
  // Optional peers are looked up when they are needed, not imported.
  const optionalPeers = new Set(Object.keys(manifest.peerDependenciesMeta ?? {}));
  for (const dependency of declared)
    if (!used.has(dependency) && !passedOn.has(dependency) && !optionalPeers.has(dependency))
      problems.push(`${directory}: ${dependency} is declared and never imported`);
}

for (const file of [...walk("packages"), ...walk("apps"), ...walk("scripts"), ...walk("goldens")]) {
  if (vagueName.test(file)) problems.push(`${file}: a name that says what is inside is needed`);
}

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`layers: ${layerOf.size} packages, no problem`);
