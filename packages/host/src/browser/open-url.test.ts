import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openUrl } from "./open-url.ts";

const content = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

const withRanges: RequestListener = (request, response) => {
  if (request.url === "/model/empty.bin") {
    if (request.headers.range !== undefined) response.writeHead(416, { "content-range": "bytes */0" });
    return void response.end();
  }
  if (request.url !== "/model/a%20b/w.bin")
    return void response.writeHead(request.url?.includes("secret") ? 403 : 404).end();
  const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  if (first === undefined) return void response.end(content);
  if (Number(first) >= content.length) return void response.writeHead(416, { "content-range": "bytes */10" }).end();
  const end = Math.min(Number(last) + 1, content.length);
  response.writeHead(206, { "content-range": `bytes ${first}-${end - 1}/${content.length}` });
  response.end(content.subarray(Number(first), end));
};

let server: Server;
async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model`;
}
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const names = ["a b/w.bin", "empty.bin", "gone.bin", "secret.bin"];

describe("openUrl", () => {
  it("lists the given names, measures and reads by range", async () => {
    const files = openUrl(await serve(withRanges), names);
    expect(await files.list()).toEqual(names);
    expect(await files.size("a b/w.bin")).toBe(10);
    expect(await files.size("empty.bin")).toBe(0);
    expect(await files.size("gone.bin")).toBeUndefined();
    expect(await files.size("never named")).toBeUndefined();
    expect(await files.read("a b/w.bin")).toEqual(content);
    expect(await files.read("a b/w.bin", { from: 2, to: 5 })).toEqual(Uint8Array.of(2, 3, 4));
    expect(await files.read("a b/w.bin", { from: 2, to: 2 })).toEqual(new Uint8Array(0));
  });

  it("tells absent, refused and cut-off files apart", async () => {
    const files = openUrl(await serve(withRanges), names);
    await expect(files.read("gone.bin")).rejects.toMatchObject({ code: "missing-file", message: /no file gone\.bin/ });
    await expect(files.read("never named")).rejects.toMatchObject({ code: "missing-file" });
    await expect(files.read("secret.bin")).rejects.toThrow("the server answered 403 Forbidden");
    for (const from of [8, 12]) {
      await expect(files.read("a b/w.bin", { from, to: 14 })).rejects.toMatchObject({
        code: "invalid-data",
        message: /but it holds 10/,
      });
    }
  });

  it("refuses a server without ranges instead of fetching everything", async () => {
    const files = openUrl(await serve((_, response) => void response.end(content)), names);
    await expect(files.size("a b/w.bin")).rejects.toMatchObject({ code: "unsupported" });
    await expect(files.read("a b/w.bin", { from: 0, to: 2 })).rejects.toMatchObject({ code: "unsupported" });
    expect(await files.read("a b/w.bin")).toEqual(content);
  });

  it("stops when the signal fires, before and during a request", async () => {
    const stop = new AbortController();
    const base = await serve(() => stop.abort()); // never answers
    const files = openUrl(base, names, { signal: stop.signal });
    await expect(files.read("a b/w.bin")).rejects.toMatchObject({ code: "aborted" });
    await expect(files.size("a b/w.bin")).rejects.toMatchObject({ code: "aborted" });
  });

  it("names an address that cannot be reached", async () => {
    const base = await serve((request) => request.socket.destroy());
    await expect(openUrl(base, names).read("empty.bin")).rejects.toThrow(/empty\.bin could not be fetched/);
    expect(() => openUrl(base, ["../x"])).toThrow("a file name must be relative");
  });
});
