import { ImagineOpdError } from "@imagine-opd/protocol";
import { compilePattern } from "./compile-pattern.ts";

const where = "lora.matchModules";

function refuse(target: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`target\` ${JSON.stringify(target)} matches no module's name.`,
    remedy: "A list entry must be a name or its last parts; a string must be a regular expression for the whole name.",
    details: { target },
  });
}

/**
 * The names that an adapter should touch, in their order, by the rules of PEFT's `target_modules`.
 *
 * A list names the last parts: `q_proj` takes every module called `q_proj`, those of a vision tower too. A string is a regular
 * expression that must match the whole name.
 *
 * @param names names of the model's linear layers
 * @throws invalid-argument when the pattern, or any entry of the list, matches nothing; unsupported when the pattern is not
 * read alike by JavaScript and Python
 */
export function matchModules(names: readonly string[], target: readonly string[] | string): readonly string[] {
  if (typeof target === "string") {
    const pattern = compilePattern(target, where);
    const matched = names.filter((name) => pattern.test(name));
    if (matched.length === 0) throw refuse(target);
    return matched;
  }
  const endsWith = (name: string, entry: string) => name === entry || name.endsWith(`.${entry}`);
  if (target.length === 0) throw refuse("");
  for (const entry of target) if (!names.some((name) => endsWith(name, entry))) throw refuse(entry);
  return names.filter((name) => target.some((entry) => endsWith(name, entry)));
}
