import { type FileSink, type FileSource, ImagineOpdError } from "@imagine-opd/protocol";

/** Files in memory that count the bytes read from them; they obey the contracts of `FileSource` and `FileSink`. */
export interface MemoryFiles extends FileSource, FileSink {
  readonly contents: Map<string, Uint8Array>;
  bytesRead: number;
}

async function collect(content: Parameters<FileSink["write"]>[1]): Promise<Uint8Array> {
  if (typeof content === "string") return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return content.slice();
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}

/** Files in memory, with some there from the start. */
export function memoryFiles(initial: Readonly<Record<string, Uint8Array | string>> = {}): MemoryFiles {
  const encoder = new TextEncoder();
  const contents = new Map(
    Object.entries(initial).map(([name, content]) => [
      name,
      typeof content === "string" ? encoder.encode(content) : content,
    ]),
  );
  const files: MemoryFiles = {
    contents,
    bytesRead: 0,
    list: async () => [...contents.keys()].sort(),
    size: async (name) => contents.get(name)?.length,
    async read(name, range) {
      const content = contents.get(name);
      if (content === undefined) {
        throw new ImagineOpdError("missing-file", { where: "memoryFiles.read", problem: `there is no "${name}".` });
      }
      const { from, to } = range ?? { from: 0, to: content.length };
      if (to > content.length) {
        throw new ImagineOpdError("invalid-data", {
          where: "memoryFiles.read",
          problem: `"${name}" ends before ${to}.`,
        });
      }
      files.bytesRead += to - from;
      return content.slice(from, to);
    },
    async write(name, content) {
      contents.set(name, await collect(content));
    },
  };
  return files;
}
