import type { FileSource } from "@imagine-opd/protocol";
import { type ByteRange, checkRange, missingFile, pastTheEnd } from "../file-range.ts";

const where = "host/browser.openBlobs";

/** Files that a person picked or dropped, under the given names, as a place of named files. Only what is asked for is read. */
export function openBlobs(files: Readonly<Record<string, Blob>>): FileSource {
  const blobs = new Map(Object.entries(files));
  return {
    async list(): Promise<readonly string[]> {
      return [...blobs.keys()].sort();
    },
    async size(name: string): Promise<number | undefined> {
      return blobs.get(name)?.size;
    },
    async read(name: string, range?: ByteRange): Promise<Uint8Array> {
      const blob = blobs.get(name);
      if (blob === undefined) throw missingFile(name, "the given blobs", where);
      if (range === undefined) return new Uint8Array(await blob.arrayBuffer());
      checkRange(range, name, where);
      if (range.to > blob.size) throw pastTheEnd(range, blob.size, name, where);
      return new Uint8Array(await blob.slice(range.from, range.to).arrayBuffer());
    },
  };
}
