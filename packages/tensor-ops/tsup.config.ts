import { defineConfig } from "tsup";
import { library } from "../../tsup.base.ts";

export default defineConfig({
  ...library(),
  entry: { index: "src/index.ts", "kernel-checks": "src/kernel-checks/index.ts", probe: "src/probe/index.ts" },
});
