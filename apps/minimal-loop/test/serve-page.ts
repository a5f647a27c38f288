import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, chromium } from "playwright";
import { build, preview } from "vite";

const app = "apps/minimal-loop";
const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
/** The model that the page is built with; another one is for trying the page before there is a base model. */
const model = process.env.MINIMAL_LOOP_MODEL ?? "apps/train-node/base-model";

/** Why the page cannot be run here, or nothing. */
export function missingForPage(): string | undefined {
  if (!existsSync(executablePath)) return `there is no Chromium at ${executablePath} (set CHROMIUM_PATH)`;
  if (!existsSync(join(model, "config.json"))) return `there is no model at ${model}`;
  return undefined;
}

export interface ServedPage {
  readonly address: string;
  close(): Promise<void>;
}

/** Builds the page into a temporary directory and serves it on a free port. */
export async function servePage(): Promise<ServedPage> {
  const outDir = await mkdtemp(join(tmpdir(), "minimal-loop-"));
  const configFile = join(app, "vite.config.ts");
  const log = { logLevel: "error" } as const;
  await build({ configFile, publicDir: resolve(model), build: { outDir, emptyOutDir: true }, ...log });
  const server = await preview({ configFile, build: { outDir }, preview: { port: 0 }, ...log });
  return {
    address: server.resolvedUrls!.local[0]!,
    async close() {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

/** A headless browser whose WebGPU adapter is the software one, or that has none. */
export function openBrowser(adapter: "software" | "none"): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-quic", "--no-first-run"];
  return chromium.launch({ executablePath, args: adapter === "none" ? args : [...args, "--enable-unsafe-webgpu"] });
}
