import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";

/** SHA-256 over a checkpoint's weight files in the order of their names, in hexadecimal. */
export async function fingerprintWeights(directory: string): Promise<string> {
  const hash = createHash("sha256");
  const files = readdirSync(directory).filter((name) => name.endsWith(".safetensors"));
  for (const name of files.sort())
    for await (const chunk of createReadStream(join(directory, name))) hash.update(chunk);
  return hash.digest("hex");
}
