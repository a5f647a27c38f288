import { type FileSource, ImagineOpdError, throwIfAborted } from "@imagine-opd/protocol";
import { checkFileName } from "../check-file-name.ts";
import { type ByteRange, checkRange, missingFile, pastTheEnd } from "../file-range.ts";

const where = "host/browser.openUrl";

export interface UrlOptions {
  /** Stops every request of this source. @default never */
  readonly signal?: AbortSignal;
}

/** Total length out of `Content-Range: bytes 0-0/1234` (an empty file answers 416 with `bytes * / 0`, without the blanks). */
function totalLength(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

function noRanges(url: string): ImagineOpdError {
  return new ImagineOpdError("unsupported", {
    where,
    problem: `the server of ${url} does not answer requests for a range of bytes.`,
    remedy: "Serve the files from a server that supports HTTP Range and, across origins, exposes Content-Range.",
    details: { url },
  });
}

async function request(url: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Response> {
  throwIfAborted(signal, where);
  const headers: HeadersInit = range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` };
  try {
    return await fetch(url, signal === undefined ? { headers } : { headers, signal });
  } catch (cause) {
    throwIfAborted(signal, where);
    throw new ImagineOpdError("missing-file", {
      where,
      problem: `${url} could not be fetched.`,
      remedy: "Check the address, the network and the server's CORS headers.",
      details: { url },
      cause,
    });
  }
}

async function bodyOf(response: Response, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throwIfAborted(signal, where);
    throw new ImagineOpdError("invalid-data", {
      where,
      problem: `the answer for ${response.url} broke off.`,
      remedy: "Try again.",
      cause,
    });
  }
}

/**
 * Files below a web address as a place of named files. Ranges are HTTP Range requests, so a checkpoint is read tensor by
 * tensor; `size` asks for one byte and reads the total from the answer.
 *
 * @param baseUrl address of the folder, absolute
 * @param names every file there: the web has no directory listing
 * @throws missing-file for other names, absent files and failed requests; unsupported when the server has no ranges;
 * invalid-data past the end of a file; aborted when the signal fires
 */
export function openUrl(baseUrl: string, names: readonly string[], options: UrlOptions = {}): FileSource {
  const { signal } = options;
  const known = new Set(names);
  for (const name of known) checkFileName(name, where);
  const folder = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  const urlOf = (name: string): string => folder + name.split("/").map(encodeURIComponent).join("/");

  function checkAnswer(response: Response, name: string): void {
    if (response.ok) return;
    if (response.status === 404) throw missingFile(name, folder, where);
    throw new ImagineOpdError("missing-file", {
      where,
      problem: `${urlOf(name)} could not be fetched: the server answered ${response.status} ${response.statusText}.`,
      details: { url: urlOf(name), status: response.status },
    });
  }

  async function size(name: string): Promise<number | undefined> {
    if (!known.has(name)) return undefined;
    const response = await request(urlOf(name), { from: 0, to: 1 }, signal);
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    // An empty file has no byte 0: the answer is 416 with the length.
    if (response.status !== 416) checkAnswer(response, name);
    const total = totalLength(response);
    if (total === undefined) throw noRanges(urlOf(name));
    return total;
  }

  async function readRange(name: string, range: ByteRange): Promise<Uint8Array> {
    checkRange(range, name, where);
    if (range.from === range.to) return new Uint8Array(0);
    const response = await request(urlOf(name), range, signal);
    if (response.status === 416) throw pastTheEnd(range, totalLength(response), name, where);
    checkAnswer(response, name);
    if (response.status !== 206) {
      await response.body?.cancel();
      throw noRanges(urlOf(name));
    }
    const bytes = await bodyOf(response, signal);
    if (bytes.length !== range.to - range.from) throw pastTheEnd(range, totalLength(response), name, where);
    return bytes;
  }

  return {
    list: async () => [...known].sort(),
    size,
    async read(name: string, range?: ByteRange): Promise<Uint8Array> {
      if (!known.has(name)) throw missingFile(name, folder, where);
      if (range !== undefined) return readRange(name, range);
      const response = await request(urlOf(name), undefined, signal);
      checkAnswer(response, name);
      return bodyOf(response, signal);
    },
  };
}
