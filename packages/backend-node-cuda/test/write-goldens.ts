/** Writes the goldens that `verify` carries: `node scripts/run.mjs packages/backend-node-cuda/test/write-goldens.ts`. */
import { openDirectory } from "@imagine-opd/host/node";
import { collectGoldens } from "./collect-goldens.ts";

await collectGoldens("goldens/fixtures", openDirectory("packages/backend-node-cuda/goldens"));
