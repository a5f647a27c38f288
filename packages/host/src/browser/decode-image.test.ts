import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeImage } from "./decode-image.ts";

const rgba = Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 128);

function stubBrowser(context: object | null): {
  close: ReturnType<typeof vi.fn>;
  createImageBitmap: ReturnType<typeof vi.fn>;
} {
  const close = vi.fn();
  const createImageBitmap = vi.fn(async () => ({ width: 2, height: 1, close }));
  vi.stubGlobal("createImageBitmap", createImageBitmap);
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      getContext(): object | null {
        return context;
      }
    },
  );
  return { close, createImageBitmap };
}

afterEach(() => vi.unstubAllGlobals());

describe("decodeImage", () => {
  it("asks for untouched pixels and drops the alpha", async () => {
    const { close, createImageBitmap } = stubBrowser({ drawImage: vi.fn(), getImageData: () => ({ data: rgba }) });
    const blob = new Blob(["png"]);
    expect(await decodeImage(blob)).toEqual({
      image: { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
      orientation: 1,
    });
    expect(createImageBitmap).toHaveBeenCalledWith(blob, {
      imageOrientation: "from-image",
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
    expect(close).toHaveBeenCalledOnce();
  });

  it("names what does not decode", async () => {
    stubBrowser(null);
    vi.stubGlobal("createImageBitmap", async () => Promise.reject(new DOMException("bad", "InvalidStateError")));
    await expect(decodeImage(new File(["x"], "broken.jpg"))).rejects.toMatchObject({
      code: "invalid-data",
      message: /broken\.jpg does not decode/,
    });
    await expect(decodeImage(new Blob(["xy"]))).rejects.toThrow("a blob of 2 bytes does not decode");
  });

  it("frees the bitmap when the canvas fails", async () => {
    const { close } = stubBrowser(null);
    await expect(decodeImage(new Blob(["png"]))).rejects.toMatchObject({ code: "missing-part" });
    expect(close).toHaveBeenCalledOnce();
  });
});
