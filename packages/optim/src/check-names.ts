import { ImagineOpdError } from "@imagine-opd/protocol";

/**
 * Throws `mismatch` unless both records have the same names, naming the first that is missing or too much.
 * @param what what the names belong to, for the message: "gradient"
 */
export function checkNames(expected: object, given: object, what: string, where: string): void {
  const missing = Object.keys(expected).find((name) => !Object.hasOwn(given, name));
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(expected, name));
  if (missing === undefined && unknown === undefined) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem:
      missing !== undefined
        ? `there is no ${what} for "${missing}".`
        : `there is a ${what} for "${unknown}", which is unknown.`,
    remedy: "The names must be the same on both sides.",
    details: { missing, unknown },
  });
}

/** Throws `mismatch` unless the two shapes are equal. */
export function checkShape(
  expected: readonly number[],
  given: readonly number[],
  { what, name, where }: { readonly what: string; readonly name: string; readonly where: string },
): void {
  if (expected.length === given.length && expected.every((size, axis) => size === given[axis])) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem: `the ${what} for "${name}" must have shape [${expected.join(", ")}], got [${given.join(", ")}].`,
    details: { name, expected, given },
  });
}
