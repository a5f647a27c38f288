import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixtureEnvironment, listVersionChanges, whyNoFixtures } from "./find-python.mjs";
import { runCommand } from "./run-command.mjs";

const name = "goldens made again are the stored ones";

/** goldens/make_fixtures.py still makes goldens/fixtures. Other versions may round otherwise: then this is skipped. */
export async function* checkFixtures({ python }) {
  const reason = (await whyNoFixtures(python)) ?? (await listVersionChanges(python)).join(", ");
  if (reason !== "") return yield { outcome: "skipped", name, detail: reason };
  const folder = await mkdtemp(join(tmpdir(), "verify-goldens-"));
  try {
    const args = ["goldens/make_fixtures.py", "--out", join(folder, "again"), "--compare", "goldens/fixtures"];
    const lines = (await runCommand(python, args, { env: fixtureEnvironment })).trim().split("\n");
    // The list of files that are equal within rounding is long; how many there are is enough.
    yield { outcome: "passed", name, detail: lines.at(-1).split(":")[0] };
  } finally {
    await rm(folder, { recursive: true });
  }
}
