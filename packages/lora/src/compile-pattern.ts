import { ImagineOpdError } from "@imagine-opd/protocol";

/**
 * A regular expression of an adapter's configuration (Python's syntax), to be matched in full.
 *
 * The unicode flag makes everything an error that the two languages write differently (`\Z`, `(?P<name>…)`, `{,3}`), so that a
 * pattern is either read alike or refused.
 * @param prefix a JavaScript pattern that is matched before it
 */
export function compilePattern(pattern: string, where: string, prefix = ""): RegExp {
  try {
    return new RegExp(`^${prefix}(?:${pattern})$`, "u");
  } catch (cause) {
    throw new ImagineOpdError("unsupported", {
      where,
      problem: `the pattern ${JSON.stringify(pattern)} is not a regular expression that JavaScript and Python read alike.`,
      remedy: "Use plain syntax: names, `\\.`, `\\d`, `.*`, `(a|b)`.",
      details: { pattern },
      cause,
    });
  }
}
