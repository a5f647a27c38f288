import { statSync } from "node:fs";
import { openDirectory } from "@imagine-opd/host/node";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { type OpenModelOptions, openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";

/** Refuses a path that is no directory before anything is read. */
export function requireDirectory(path: string, what: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new ImagineOpdError("missing-file", {
    where: "command-line",
    problem: `${what}: there is no directory ${path}.`,
    remedy: "Check the path.",
  });
}

export interface OpenCheckpointOptions extends Omit<OpenModelOptions, "adapter"> {
  /** Directory of a PEFT adapter. */
  readonly adapter?: string;
}

/** Opens the checkpoint of a directory, with the adapter of another. */
export async function openCheckpointDirectory(
  path: string,
  options: OpenCheckpointOptions = {},
): Promise<VisionLanguageModel> {
  const { adapter, ...rest } = options;
  const files = openDirectory(requireDirectory(path, "model"));
  if (adapter === undefined) return openModel(files, rest);
  return openModel(files, { ...rest, adapter: openDirectory(requireDirectory(adapter, "adapter")) });
}
