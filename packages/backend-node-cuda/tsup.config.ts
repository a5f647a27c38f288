import { defineConfig } from "tsup";
import { library } from "../../tsup.base.ts";

// `shims` gives the CommonJS build its `import.meta.url`.
export default defineConfig([
  { ...library(), shims: true },
  { ...library(["src/cli.ts"]), format: ["esm"], dts: false, clean: false },
]);
