import { ImagineOpdError } from "@imagine-opd/protocol";

/** A JSON object that is read field by field, with the file's name for messages. */
export interface Fields {
  /** A number, or the default when the key is absent or null. */
  number(key: string, otherwise: number): number;
  /** A positive integer, or the default when the key is absent or null. */
  count(key: string, otherwise: number): number;
  text(key: string, otherwise: string): string;
  flag(key: string, otherwise: boolean): boolean;
  numbers(key: string, otherwise: readonly number[]): readonly number[];
  /** A nested object; empty when absent or null. */
  object(key: string): Fields;
  has(key: string): boolean;
  readonly json: Readonly<Record<string, unknown>>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readFields(json: unknown, file: string, path = ""): Fields {
  const bad = (key: string, expected: string, got: unknown): never => {
    throw new ImagineOpdError("invalid-data", {
      where: "vision-language-model.readConfig",
      problem: `${file}: \`${path}${key}\` must be ${expected}, got ${JSON.stringify(got)}.`,
      remedy: "Compare the file with the checkpoint's original.",
      details: { file, key: `${path}${key}` },
    });
  };
  if (!isObject(json)) return bad("(root)", "a JSON object", json);
  const pick = <T>(key: string, otherwise: T, expected: string, fits: (value: unknown) => boolean): T => {
    const value = json[key];
    if (value === undefined || value === null) return otherwise;
    return fits(value) ? (value as T) : bad(key, expected, value);
  };
  return {
    json,
    has: (key) => json[key] !== undefined && json[key] !== null,
    number: (key, otherwise) => pick(key, otherwise, "a finite number", Number.isFinite),
    count: (key, otherwise) =>
      pick(key, otherwise, "a positive integer", (v) => Number.isInteger(v) && (v as number) > 0),
    text: (key, otherwise) => pick(key, otherwise, "a string", (v) => typeof v === "string"),
    flag: (key, otherwise) => pick(key, otherwise, "true or false", (v) => typeof v === "boolean"),
    numbers: (key, otherwise) =>
      pick(key, otherwise, "a list of numbers", (v) => Array.isArray(v) && v.every((n) => Number.isFinite(n))),
    object: (key) => readFields(pick(key, {}, "a JSON object", isObject), file, `${path}${key}.`),
  };
}
