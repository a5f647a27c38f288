import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type PromptTemplate, type PromptTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import { ImagineOpdError } from "@imagine-opd/protocol";

/** A checkpoint that was taught other prompts than ours holds them in this file: an object of templates by name. */
export const promptsFile = "imagine-opd-prompts.json";

/**
 * The prompts that a checkpoint is asked with: those of its own file where there is one, ours where that says nothing.
 * @throws invalid-data for a file that does not hold templates
 */
export function readCheckpointPrompts(directory: string): PromptTemplates {
  const file = join(directory, promptsFile);
  if (!existsSync(file)) return promptTemplates;
  let own: unknown;
  try {
    own = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    own = undefined;
  }
  const problem = findProblem(own);
  if (problem === undefined) return { ...promptTemplates, ...(own as Partial<PromptTemplates>) };
  throw new ImagineOpdError("invalid-data", {
    where: "command-line.readCheckpointPrompts",
    problem: `${file} ${problem}.`,
    remedy: `Write { "NAME": { "id": "…", "version": 1, "text": "…" } } with the names ${Object.keys(promptTemplates).join(", ")}.`,
  });
}

function findProblem(own: unknown): string | undefined {
  if (typeof own !== "object" || own === null || Array.isArray(own)) return "does not hold a JSON object";
  for (const [name, template] of Object.entries(own)) {
    if (!Object.hasOwn(promptTemplates, name)) return `names a prompt "${name}" that there is not`;
    const { id, version, text } = (template ?? {}) as Partial<PromptTemplate>;
    if (typeof id !== "string" || typeof version !== "number" || typeof text !== "string")
      return `has no id, version and text for "${name}"`;
  }
  return undefined;
}

/** The text of a checkpoint's prompts file, so that it goes with weights that are saved elsewhere; undefined when it has none. */
export function copyCheckpointPrompts(directory: string): string | undefined {
  const file = join(directory, promptsFile);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
