import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

export interface FetchNpmPackageOptions {
  readonly name: string;
  readonly version: string;
  /** An existing folder to unpack into. */
  readonly into: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Downloads a package with npm and unpacks it, without running its scripts and without touching any project. */
export async function fetchNpmPackage({ name, version, into, env }: FetchNpmPackageOptions): Promise<string> {
  const purpose = `fetching ${name}@${version}`;
  const folder = join(into, name.replaceAll("/", "-"));
  mkdirSync(folder);
  const written = await runCommand("npm", ["pack", "--json", "--ignore-scripts", `${name}@${version}`], {
    purpose,
    env,
    cwd: folder,
  });
  const [{ filename }] = JSON.parse(written) as [{ filename: string }];
  await runCommand("tar", ["-xzf", filename], { purpose, env, cwd: folder });
  return join(folder, "package");
}
