// Uses the packages as those who install them do: packs every one, unpacks the tarballs into fresh folders outside the
// repository, runs the programs of the READMEs there as ES modules, as CommonJS and bundled in a headless browser, and compares
// what they print with the README. Third-party packages are linked from this repository, so nothing is fetched. Run it after `npm run build`.
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import {
  compressedSize,
  missingBrowser,
  needsBrowser,
  nodeImport,
  openBrowser,
  runInBrowser,
} from "./check-packed-browser.mjs";
import { installedNames, neededThing, readmePrograms, toCommonJs } from "./readme-programs.mjs";

const run = promisify(execFile);
const scope = "@imagine-opd/";
/** The packages that are used alone, in browsers too. */
const forBrowsers = ["region-cropper", "privileged-teacher", "rollout-sampler", "distillation-loss"];
const atOnce = 3;

/**
 * tfjs keeps the gradients of its core ops in deep modules that plain Node cannot load; the packages bundle them. Each program
 * computes a gradient that does not exist without them, from core and one backend alone.
 */
const gradientPrograms = {
  "tensor-ops": {
    program: `import "@tensorflow/tfjs-backend-cpu";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
await tf.setBackend("cpu");
console.log(tf.getGradient("RealDiv"));
registerCoreGradients();
console.log(Array.from(tf.grad((x) => tf.sum(tf.div(tf.square(x), 2)))(tf.tensor1d([1, 2, 3])).dataSync()));
`,
    output: "undefined\n[ 1, 2, 3 ]",
  },
  // S = (1/4, 3/4) against T = (1/2, 1/2): KL(S‖T) = ln(27/16) / 4, its gradient S (ln S/T − KL) = ∓(3/16) ln 3.
  "distillation-loss": {
    program: `import "@tensorflow/tfjs-backend-cpu";
import { divergence } from "@imagine-opd/distillation-loss";
import * as tf from "@tensorflow/tfjs-core";
await tf.setBackend("cpu");
const teacher = tf.tensor2d([[0, 0]]);
const student = tf.tensor2d([[0, Math.log(3)]]);
const loss = (logits) => divergence(logits, teacher, { divergence: { kind: "reverse-kl" } }).loss;
const { value, grad } = tf.valueAndGrad(loss)(student);
console.log(Array.from([...value.dataSync(), ...grad.dataSync()], (number) => number.toFixed(5)).join(" "));
`,
    output: `${(Math.log(27 / 16) / 4).toFixed(5)} ${[-1, 1].map((sign) => ((sign * 3 * Math.log(3)) / 16).toFixed(5)).join(" ")}`,
  },
};

/** Packs all packages and unpacks them below `unpacked`; returns their manifests by name. */
async function packAll(names, unpacked) {
  const tarballs = join(unpacked, "tarballs");
  mkdirSync(tarballs, { recursive: true });
  const folders = names.map((name) => `./packages/${name}`);
  await run("npm", ["pack", ...folders, "--pack-destination", tarballs, "--loglevel", "error"]);
  const manifests = new Map();
  for (const name of names) {
    const { version } = JSON.parse(readFileSync(`packages/${name}/package.json`, "utf8"));
    const folder = join(unpacked, name);
    mkdirSync(folder);
    const tarball = join(tarballs, `imagine-opd-${name}-${version}.tgz`);
    await run("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
    manifests.set(scope + name, JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  }
  return manifests;
}

/** What is wrong with the content of a tarball. */
function contentProblems(folder) {
  const files = readdirSync(folder, { recursive: true });
  const missing = ["README.md", "LICENSE", "package.json", "dist"].filter((name) => !files.includes(name));
  const unwanted = files.filter((file) => /\.test\.|node_modules/.test(file));
  return [
    ...missing.map((name) => `${name} is not in the tarball`),
    ...unwanted.map((file) => `${file} is in the tarball`),
  ];
}

/**
 * Does what `npm i` of the names does: them, what they depend on, and peers that are not optional. Third-party packages that
 * are not there are an error, unless the README says that its program needs something that cannot be had everywhere.
 */
function install(names, folder, unpacked, manifests, needed) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const queue = [...names];
  for (const name of queue) {
    const target = join(folder, "node_modules", name);
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    const manifest = manifests.get(name);
    if (manifest !== undefined) {
      cpSync(join(unpacked, name.slice(scope.length)), target, { recursive: true });
      const peers = Object.keys(manifest.peerDependencies ?? {});
      const optional = manifest.peerDependenciesMeta ?? {};
      queue.push(...Object.keys(manifest.dependencies ?? {}), ...peers.filter((peer) => !optional[peer]?.optional));
    } else {
      const source = resolve("node_modules", name);
      if (!existsSync(source) && needed !== undefined) continue;
      if (!existsSync(source)) throw new Error(`${name} is not in node_modules`);
      symlinkSync(source, target, "junction");
    }
  }
}

/** Runs one program in a folder of its own; the problem, or nothing. */
async function runProgram(label, folder, extension, source, output) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `program.${extension}`), source);
  const printed = await run(process.execPath, [`program.${extension}`], { cwd: folder, timeout: 60_000 }).catch(
    (error) => error,
  );
  if (printed instanceof Error) {
    const reason = /^\w*Error.*$/m.exec(printed.stderr)?.[0] ?? printed.message;
    return [`${label} .${extension} fails: ${reason}`];
  }
  const got = printed.stdout.trimEnd();
  return got === output ? [] : [`${label} .${extension} prints\n${got}\ninstead of\n${output}`];
}

/** Bundles a package for the browser and looks for Node's modules and globals in it. */
async function browserProblems(name, folder) {
  const mark = (variable) => `NODES_${variable}`;
  const globals = ["process", "Buffer", "__dirname"];
  const bundled = await build({
    stdin: { contents: `export * from "${scope}${name}";`, resolveDir: folder },
    bundle: true,
    write: false,
    platform: "browser",
    format: "esm",
    external: ["@tensorflow/*"],
    // Replaces free variables only: no property, string or comment of the same name.
    define: Object.fromEntries(globals.map((variable) => [variable, mark(variable)])),
    logLevel: "silent",
  }).catch((error) => error);
  if (bundled instanceof Error) return [`does not bundle for browsers: ${bundled.message}`];
  // tfjs looks for the global object under every name that one has had, and asks before it looks.
  const guarded = new RegExp(`typeof ${mark("process")} !== "undefined"\\) \\{\\s*\\w+ = ${mark("process")};`, "g");
  const text = bundled.outputFiles[0].text.replace(guarded, "");
  return [
    ...bundled.warnings.map((warning) => `bundling for browsers warns: ${warning.text}`),
    ...globals.filter((variable) => text.includes(mark(variable))).map((variable) => `uses ${variable}`),
    ...(/["']node:/.test(text) ? ["mentions a node: module"] : []),
  ];
}

/** Runs a README's programs in the browser: what ran, for the reader, and what is wrong. */
async function runInBrowserToo(browser, programs, folder) {
  const skipped = programs.map(({ program }) => nodeImport(program)).find((name) => name !== undefined);
  if (skipped !== undefined) return { ran: [`for Node alone, it imports ${skipped}`], problems: [] };
  if (browser === undefined) return { ran: [], problems: [] };
  const problems = [];
  for (const [i, { program, output }] of programs.entries()) {
    const label = `program ${i + 1} in the browser`;
    const printed = await runInBrowser(browser, program, folder).catch((error) => error);
    if (printed instanceof Error) problems.push(`${label} fails: ${printed.message}`);
    else if (printed.trimEnd() !== output) problems.push(`${label} prints\n${printed}\ninstead of\n${output}`);
  }
  return { ran: ["in the browser too"], problems };
}

/** Everything about one package: a line for the reader, and what is wrong. */
async function checkPackage(name, root, unpacked, manifests, browser) {
  const problems = contentProblems(join(unpacked, name));
  if (!existsSync(join(unpacked, name, "README.md"))) return { line: "", problems };
  const readme = readFileSync(join(unpacked, name, "README.md"), "utf8");
  const folder = join(root, name);
  const needed = neededThing(readme);
  const programs = needed === undefined ? await readmePrograms(readme) : await loadingPrograms(name, manifests);
  if (programs.length === 0) problems.push("its README has no program with output");
  const gradient = gradientPrograms[name];
  const own = gradient === undefined ? [] : [{ ...gradient, label: "gradient" }];
  const extra = gradient === undefined ? [] : ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-cpu"];
  install([...installedNames(readme), ...extra], folder, unpacked, manifests, needed);
  for (const [i, { label = `program ${i + 1}`, program, output }] of [...programs, ...own].entries()) {
    if (needsBrowser(program)) continue;
    for (const [extension, source] of [
      ["mjs", program],
      ["cjs", toCommonJs(program)],
    ]) {
      problems.push(...(await runProgram(label, join(folder, `${i}-${extension}`), extension, source, output)));
    }
  }
  const inBrowser = forBrowsers.includes(name);
  if (inBrowser) problems.push(...(await browserProblems(name, folder)));
  const inPage = needed === undefined ? await runInBrowserToo(browser, programs, folder) : { ran: [], problems: [] };
  problems.push(...inPage.problems);
  const size = inBrowser ? [`${((await compressedSize(scope + name, folder)) / 1000).toFixed(1)} kB min+gzip`] : [];
  const ran =
    needed === undefined
      ? `${programs.length} program${programs.length === 1 ? "" : "s"}`
      : `loads; program skipped, it needs ${needed}`;
  return {
    line: [
      ran,
      ...inPage.ran,
      ...(gradient ? ["gradient"] : []),
      ...(inBrowser ? ["browser bundle"] : []),
      ...size,
    ].join(", "),
    problems,
  };
}

/** Stands in for a program that cannot run here: every entry of the package must load. */
async function loadingPrograms(name, manifests) {
  const entries = Object.keys(manifests.get(scope + name).exports).filter((entry) => entry !== "./package.json");
  return entries.map((entry) => ({
    program: `import * as entry from "${scope}${name}${entry.slice(1)}";\nconsole.log(Object.keys(entry).length > 0);\n`,
    output: "true",
  }));
}

function report(name, { line, problems }) {
  console.log(problems.length === 0 ? `ok     ${name}: ${line}` : `FAILED ${name}: ${problems.join("\n")}`);
  if (problems.length > 0) process.exitCode = 1;
}

const names = readdirSync("packages").sort();
const built = names.filter((name) => existsSync(`packages/${name}/dist`));
// Names on the command line check these alone.
const wanted = process.argv.length > 2 ? names.filter((name) => process.argv.includes(name, 2)) : names;
const root = mkdtempSync(join(tmpdir(), "imagine-opd-packed-"));
const browser = await openBrowser();
if (browser === undefined) console.log(`skipped: the programs in the browser, because ${missingBrowser}`);
try {
  const unpacked = join(root, "unpacked");
  const manifests = await packAll(built, unpacked);
  const waiting = [...wanted];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (built.includes(name)) {
        const failed = (error) => ({ line: "", problems: [error.message] });
        report(name, await checkPackage(name, root, unpacked, manifests, browser).catch(failed));
      } else report(name, { line: "", problems: ["not built; run npm run build first"] });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
} finally {
  await browser?.close();
  rmSync(root, { recursive: true, force: true });
}
