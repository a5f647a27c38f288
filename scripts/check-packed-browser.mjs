// Runs programs in a headless browser as a bundler would serve them, and prints what they print as Node would.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { format } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { chromium } from "playwright";

const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const patience = 120_000;

/** Why there is no browser to run programs in, or nothing. */
export const missingBrowser = existsSync(executablePath)
  ? undefined
  : `there is no Chromium at ${executablePath} (set CHROMIUM_PATH)`;

/** Opens one browser for all programs; `undefined` where there is none. */
export async function openBrowser() {
  if (missingBrowser !== undefined) return undefined;
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--enable-unsafe-webgpu", "--disable-quic", "--no-first-run"],
  });
}

const nodeOnly = /from\s+"(node:[^"]+|@imagine-opd\/(?:host\/node|backend-node-cuda))"/;

/** What a program imports that no browser has, or nothing. */
export function nodeImport(program) {
  return nodeOnly.exec(program)?.[1];
}

/** Whether a program needs the GPU of a browser. */
export function needsBrowser(program) {
  return program.includes('"@tensorflow/tfjs-backend-webgpu"');
}

function bundle(contents, resolveDir, options) {
  return build({
    stdin: { contents, resolveDir },
    bundle: true,
    write: false,
    platform: "browser",
    format: "esm",
    logLevel: "silent",
    ...options,
  });
}

/** Bytes of a package and what it depends on, minified and compressed, without TensorFlow.js. */
export async function compressedSize(name, folder) {
  const contents = `export * from "${name}";`;
  const { outputFiles } = await bundle(contents, folder, { minify: true, external: ["@tensorflow/*"] });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

// What is printed leaves the page as values, so that Node's own formatting shows it; copied, because they may change later.
const page = `<!doctype html><script>
const printed = [];
console.log = (...values) => printed.push(structuredClone(values));
</script>`;

/** Serves a page, the program and the WebAssembly files beside tfjs's backend, which it asks for by their names. */
async function serve(program, folder) {
  const wasm = /^\/([\w-]+\.wasm)$/;
  const server = createServer(({ url }, response) => {
    const send = (type, content) => response.writeHead(200, { "content-type": type }).end(content);
    if (url === "/") return send("text/html", page);
    if (url === "/program.js") return send("text/javascript", program);
    const [, binary] = wasm.exec(url) ?? [];
    if (binary === undefined) return response.writeHead(404).end();
    const backend = createRequire(join(folder, "package.json")).resolve("@tensorflow/tfjs-backend-wasm/package.json");
    return send("application/wasm", readFileSync(join(backend, "../dist", binary)));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { address: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** The text that a program prints when it is bundled from a folder's `node_modules` and run in a page of its own. */
export async function runInBrowser(browser, program, folder) {
  const { outputFiles } = await bundle(program, folder);
  const server = await serve(outputFiles[0].text, folder);
  const context = await browser.newContext();
  try {
    const tab = await context.newPage();
    await tab.goto(server.address);
    // `printed` is the page's own.
    const running = tab.evaluate(async () => {
      await import("/program.js");
      return printed;
    });
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it did not end within ${patience / 1000} s`)), patience);
    });
    const printed = await Promise.race([running, late]).finally(() => clearTimeout(timer));
    return printed.map((values) => format(...values)).join("\n");
  } finally {
    await context.close();
    server.close();
  }
}
