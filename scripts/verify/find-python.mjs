import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseLines, runCommand } from "./run-command.mjs";

const imports = "import torch, transformers, peft, safetensors, PIL";

/** `undefined` when it imports everything, else the reason why not. */
async function whyUnfit(python) {
  try {
    await runCommand(python, ["-c", imports]);
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/**
 * A Python with transformers and PEFT: IMAGINE_OPD_PYTHON, else .cache/python, else python3, else .cache/python is made.
 * `{ python }`, or `{ reason }` when there is none.
 * @throws when IMAGINE_OPD_PYTHON names one that is not fit
 */
export async function findPython() {
  // biome-ignore lint/suspicious/noUndeclaredEnvVars: turbo does not run this program
  const named = process.env.IMAGINE_OPD_PYTHON;
  if (named !== undefined) {
    const reason = await whyUnfit(named);
    if (reason !== undefined) throw new Error(`IMAGINE_OPD_PYTHON names a Python that is not fit: ${reason}`);
    return { python: named };
  }
  for (const python of [".cache/python/bin/python", "python3"]) {
    if ((await whyUnfit(python)) === undefined) return { python };
  }
  try {
    await runCommand("bash", ["scripts/verify/make-python.sh"]);
    return { python: ".cache/python/bin/python" };
  } catch (error) {
    return { reason: `no Python with torch, transformers and peft: ${error.message}` };
  }
}

/** Where goldens/make_fixtures.py finds torchvision: .cache/torchvision in front of what the Python itself has. */
export const fixtureEnvironment = { PYTHONPATH: resolve(".cache/torchvision"), PYTHONDONTWRITEBYTECODE: "1" };

/** Why goldens/make_fixtures.py cannot run, or `undefined`. */
export async function whyNoFixtures(python) {
  try {
    await runCommand(python, ["-c", "import sys, importlib.util as i; sys.exit(i.find_spec('torchvision') is None)"], {
      env: fixtureEnvironment,
    });
    return undefined;
  } catch {
    return "goldens/make_fixtures.py needs torchvision; scripts/verify/make-python.sh installs it";
  }
}

/** Pinned packages of goldens/requirements.txt that are there in another version: `name 1.2 instead of 1.3`. */
export async function listVersionChanges(python) {
  const pins = [...readFileSync("goldens/requirements.txt", "utf8").matchAll(/^([\w-]+)==(\S+)$/gm)];
  const program = [
    "import sys, json, importlib.metadata as m",
    "installed = {d.metadata['Name'].lower(): d.version.split('+')[0] for d in m.distributions()}",
    "print(json.dumps([installed.get(name.lower()) for name in sys.argv[1:]]))",
  ].join("\n");
  const names = pins.map(([, name]) => name);
  const [versions] = parseLines(await runCommand(python, ["-c", program, ...names], { env: fixtureEnvironment }));
  return pins.flatMap(([, name, wanted], i) =>
    versions[i] === wanted ? [] : [`${name} ${versions[i] ?? "missing"} instead of ${wanted}`],
  );
}
