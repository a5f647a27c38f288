import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defaultClientConditions, defaultServerConditions } from "vite";
import type { TestProjectConfiguration } from "vitest/config";

// Tests run from sources: every `@imagine-opd/*` import resolves to `src` through this export condition.
const source = "@imagine-opd/source";
const ssr = { resolve: { conditions: [source, ...defaultServerConditions] } };
const alias = { "@imagine-opd/test-kit": fileURLToPath(new URL("./test-kit/src/index.ts", import.meta.url)) };
const elsewhere = ["**/*.page.test.ts", "**/node_modules/**", "**/dist/**", "**/*.{browser,dawn,verify}.test.ts"];

function nodeProject(name: string, include: string[], testTimeout: number): TestProjectConfiguration {
  const timeouts = { testTimeout, hookTimeout: testTimeout };
  return { ssr, resolve: { alias }, test: { name, environment: "node", include, exclude: elsewhere, ...timeouts } };
}

const chromium = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Tests in a real headless browser. Its software WebGPU adapter proves values, never speed. */
const browserProject: TestProjectConfiguration = {
  resolve: { alias, conditions: [source, ...defaultClientConditions] },
  optimizeDeps: {
    include: [
      "@tensorflow/tfjs-core",
      "@tensorflow/tfjs-core/dist/register_all_gradients",
      "@tensorflow/tfjs-core/dist/gradients/*.js",
      "@tensorflow/tfjs-backend-cpu",
      "@tensorflow/tfjs-backend-wasm",
      "@tensorflow/tfjs-backend-webgpu",
      "fast-check",
    ],
  },
  test: {
    name: "browser",
    include: ["packages/*/src/**/*.browser.test.ts", "goldens/**/*.browser.test.ts", "apps/*/src/**/*.browser.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: chromium,
          args: [
            "--no-sandbox",
            "--enable-unsafe-webgpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
};

/** WebGPU in Node, on the Vulkan driver that the environment names, or on the software one that comes with Chromium. */
function dawnProject(): TestProjectConfiguration | undefined {
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  const bundled = "/usr/lib/chromium";
  const driver = `${bundled}/vk_swiftshader_icd.json`;
  if (named === undefined && !existsSync(driver)) {
    process.stderr.write("skipped: the dawn project, because no Vulkan driver is named (set VK_DRIVER_FILES)\n");
    return undefined;
  }
  const env = named === undefined ? { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: bundled } : {};
  const include = ["packages/*/src/**/*.dawn.test.ts", "goldens/**/*.dawn.test.ts"];
  const timeouts = { testTimeout: 180_000, hookTimeout: 180_000 };
  // Forks read the library path when they start; threads would have ours.
  return {
    ssr,
    resolve: { alias },
    test: { name: "dawn", environment: "node", include, pool: "forks", env, ...timeouts },
  };
}

const nodeProjects: TestProjectConfiguration[] = [
  nodeProject("unit", ["packages/*/src/**/*.test.ts", "test-kit/src/**/*.test.ts", "scripts/**/*.test.ts"], 30_000),
  nodeProject("golden", ["goldens/**/*.test.ts"], 120_000),
  nodeProject("apps", ["apps/*/src/**/*.test.ts", "apps/*/test/**/*.test.ts"], 180_000),
];

/** Programs that drive a page in a browser: its software adapter trains slowly, so they are not among the quick tests. */
const pageProject: TestProjectConfiguration = {
  ssr,
  resolve: { alias },
  test: { name: "page", environment: "node", include: ["apps/*/test/**/*.page.test.ts"] },
};

const hasBrowser = existsSync(chromium);
if (!hasBrowser)
  process.stderr.write(
    `skipped: the browser project, because there is no Chromium at ${chromium} (set CHROMIUM_PATH)\n`,
  );
const dawn = dawnProject();

export default [
  ...nodeProjects,
  ...(hasBrowser ? [browserProject, pageProject] : []),
  ...(dawn === undefined ? [] : [dawn]),
];
