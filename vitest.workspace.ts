import { fileURLToPath } from "node:url";
import { defaultServerConditions } from "vite";
import type { TestProjectConfiguration } from "vitest/config";

// Tests run from sources: every `@imagine-opd/*` import resolves to `src` through this export condition.
const source = "@imagine-opd/source";
const ssr = { resolve: { conditions: [source, ...defaultServerConditions] } };
const alias = { "@imagine-opd/test-kit": fileURLToPath(new URL("./test-kit/src/index.ts", import.meta.url)) };
const elsewhere = ["**/node_modules/**", "**/dist/**", "**/*.{browser,verify}.test.ts"];

function nodeProject(name: string, include: string[], testTimeout: number): TestProjectConfiguration {
  return { ssr, resolve: { alias }, test: { name, environment: "node", include, exclude: elsewhere, testTimeout } };
}

const projects: TestProjectConfiguration[] = [
  nodeProject("unit", ["packages/*/src/**/*.test.ts", "test-kit/src/**/*.test.ts", "scripts/**/*.test.ts"], 30_000),
  nodeProject("golden", ["goldens/**/*.test.ts"], 120_000),
  nodeProject("apps", ["apps/*/src/**/*.test.ts", "apps/*/test/**/*.test.ts"], 180_000),
];

export default projects;
