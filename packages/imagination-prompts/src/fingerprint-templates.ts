import type { PromptTemplates } from "./prompt-template.ts";

/**
 * Hash of every template's name, id, version and text, for the run record: 16 hexadecimal digits of FNV-1a, 64 bit
 * (Fowler, Noll, Vo; RFC 9923), over UTF-8. The order of the properties does not matter.
 */
export function fingerprintTemplates(templates: PromptTemplates): string {
  const entries = Object.entries(templates)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, { id, version, text }]) => [name, id, version, text]);
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(JSON.stringify(entries))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
