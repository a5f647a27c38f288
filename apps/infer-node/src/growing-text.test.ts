import { expect, test } from "vitest";
import { createGrowingText } from "./growing-text.ts";

/** The pieces that are written while bytes arrive in these chunks. */
function pieces(...chunks: readonly (readonly number[])[]): string[] {
  const written: string[] = [];
  const output = createGrowingText((piece) => written.push(piece));
  const bytes: number[] = [];
  const decode = () => new TextDecoder().decode(Uint8Array.from(bytes));
  for (const chunk of chunks) {
    bytes.push(...chunk);
    output.update(decode());
  }
  output.finish(decode());
  return written;
}

test("text is written as it comes", () => {
  expect(pieces([0x61], [0x62, 0x63], [])).toEqual(["a", "bc"]);
});

test("a character is held back until its last byte is there", () => {
  expect(pieces([0x61, 0xe2], [0x82], [0xac], [0x62])).toEqual(["a", "€", "b"]);
  expect(pieces([0xf0], [0x9f, 0x98], [0x80])).toEqual(["😀"]);
});

test("bytes that never become a character are written with what follows, or at the end", () => {
  expect(pieces([0x61], [0xff], [0x62])).toEqual(["a", "\uFFFDb"]);
  expect(pieces([0x61], [0xff], [0xff])).toEqual(["a", "\uFFFD\uFFFD"]);
});

test("earlier text that a decoder changes is written again, never lost", () => {
  const written: string[] = [];
  const output = createGrowingText((piece) => written.push(piece));
  output.update("one two");
  output.update("One two three");
  output.finish("One two three");
  expect(written).toEqual(["one two", "\nOne two three"]);
});

test("nothing is written for an empty answer", () => {
  expect(pieces([])).toEqual([]);
});
