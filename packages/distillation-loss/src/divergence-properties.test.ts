import { backends, useBackend } from "../test/backends.ts";
import { testDivergenceProperties } from "../test/divergence-properties.ts";

for (const backend of backends) testDivergenceProperties(backend, () => useBackend(backend));
