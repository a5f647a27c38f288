import { invalidFile, quote } from "./invalid-file.ts";

const [quoteMark, backslash, openBrace, closeBrace, colon] = [0x22, 0x5c, 0x7b, 0x7d, 0x3a];

/** Index of the quote mark that ends the string starting at `start`. */
function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json.charCodeAt(i) !== quoteMark) i += json.charCodeAt(i) === backslash ? 2 : 1;
  return i;
}

/** The first name that an object of this JSON text (already known to be valid) holds twice. */
function findDuplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === openBrace) objects.push(new Set());
    else if (code === closeBrace) objects.pop();
    else if (code === quoteMark) {
      const end = endOfString(json, i);
      let next = end + 1;
      while (json.charCodeAt(next) <= 0x20) next += 1;
      if (json.charCodeAt(next) === colon) {
        const key = JSON.parse(json.slice(i, end + 1)) as string;
        const keys = objects[objects.length - 1]!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

/**
 * The object that the bytes hold as UTF-8 JSON. `JSON.parse` would keep the last of two equal names in silence; here they are
 * refused, because two readers could then see two different files.
 * @param part what the bytes are, for the message: "header" or "index"
 * @throws invalid-data when the bytes are not UTF-8, not JSON, not an object, or hold a name twice
 */
export function parseJsonObject(bytes: Uint8Array, where: string, file: string, part: string): Record<string, unknown> {
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch (cause) {
    throw invalidFile(where, file, `has a ${part} that is not JSON in UTF-8 (${(cause as Error).message}).`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidFile(where, file, `has a ${part} that is not a JSON object.`);
  }
  const duplicate = findDuplicateKey(json);
  if (duplicate !== undefined) {
    throw invalidFile(where, file, `names ${quote(duplicate)} twice in its ${part}.`, { name: duplicate });
  }
  return value as Record<string, unknown>;
}
