import { backends, useBackend } from "../test/backends.ts";
import { testTokenLossProperties } from "../test/token-loss-properties.ts";

for (const backend of backends) testTokenLossProperties(backend, () => useBackend(backend));
