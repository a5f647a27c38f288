import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { glyphHeight, glyphWidth, hasInk } from "./digit-font.ts";
import { generateScene } from "./generate-scene.ts";
import { columnWords, rowWords, type Scene } from "./scene.ts";

const scenes = Array.from({ length: 60 }, (_, index) => generateScene(7, index));

test("equal arguments give equal bytes; index, seed and split each change them", () => {
  expect(generateScene(7, 3)).toEqual(scenes[3]);
  const others = [
    generateScene(7, 4),
    generateScene(8, 3),
    generateScene(7, 3, { split: "validation" }),
    generateScene(7, 3, { split: "held-out" }),
  ];
  const pictures = [scenes[3]!, ...others].map(({ image }) => Buffer.from(image.data).toString("base64"));
  expect(new Set(pictures).size).toBe(5);
});

test("scene 0 of seed 7 is the picture it always was", () => {
  const { image, question, answer } = scenes[0]!;
  expect({ question, answer, sha256: createHash("sha256").update(image.data).digest("hex") }).toMatchInlineSnapshot(`
    {
      "answer": "6",
      "question": "what digit is on the red square sign ?",
      "sha256": "7330ff364c65752f9d765b92ee206ef4c6c33e2bd35cdcc33241c48b551f146b",
    }
  `);
});

test("every scene is what it says", () => {
  for (const { image, objects, question, answer, boxes, locate } of scenes) {
    expect(image.data.length).toBe(3 * 256 * 256);
    expect(objects.length).toBeGreaterThanOrEqual(6);
    expect(objects.length).toBeLessThanOrEqual(8);
    expect(new Set(objects.map(({ colour }) => colour)).size).toBe(objects.length);
    expect(new Set(objects.map(({ row, column }) => `${row} ${column}`)).size).toBe(objects.length);
    const [, colour, shape] = /^what digit is on the (\w+) (\w+) sign \?$/.exec(question)!;
    const target = objects.find((sign) => sign.colour === colour)!;
    expect(target.shape).toBe(shape);
    expect(answer).toBe(String(target.digit));
    expect(boxes).toEqual([target.box]);
    expect(locate).toEqual({ row: target.row, column: target.column });
  }
});

test("a comparison asks about two signs of different digits and answers with the larger one's name", () => {
  const firstIsLarger: number[] = [];
  for (let index = 0; index < 200; index++) {
    const { objects, question, answer, boxes, asked } = generateScene(7, index, {
      family: "compare",
      size: 64,
      glyphScale: [1, 1],
    });
    const named = /^which sign shows the larger digit , the (\w+) (\w+) or the (\w+) (\w+) \?$/.exec(question)!;
    const signs = [named[1], named[3]].map((name) => objects.find(({ colour }) => colour === name)!);
    expect(signs.map(({ shape }) => shape)).toEqual([named[2], named[4]]);
    expect(asked).toEqual(signs);
    expect(boxes).toEqual(signs.map(({ box }) => box));
    const [first, second] = signs as [(typeof signs)[0], (typeof signs)[0]];
    expect(first.digit).not.toBe(second.digit);
    firstIsLarger.push(first.digit > second.digit ? 1 : 0);
    const larger = first.digit > second.digit ? first : second;
    expect(answer).toBe(`${larger.colour} ${larger.shape}`);
  }
  expect(Math.abs(sum(firstIsLarger) - 100)).toBeLessThan(30);
});

test("two signs of one digit are drawn again", () => {
  const options = { family: "compare", size: 64, glyphScale: [1, 1], signCount: [2, 2] } as const;
  for (let index = 0; index < 60; index++) {
    const [first, second] = generateScene(3, index, options).objects;
    expect(first!.digit).not.toBe(second!.digit);
  }
});

test("each plate lies inside the cell that its words name", () => {
  for (const { objects } of scenes) {
    for (const { box, row, column } of objects) {
      const [x, y] = [64 * columnWords.indexOf(column), 64 * rowWords.indexOf(row)];
      expect(box.left >= x && box.right <= x + 64 && box.top >= y && box.bottom <= y + 64).toBe(true);
    }
  }
});

test("boxes are exact: a large and a small plate at one place differ up to the large one's sides and no further", () => {
  const options = { signCount: [1, 1], clutter: [0, 0] } as const;
  const small = generateScene(5, 1, { ...options, glyphScale: [1, 1] });
  const large = generateScene(5, 1, { ...options, glyphScale: [5, 5] });
  const { left, top, right, bottom } = large.boxes[0]!;
  const changed = changedPixels(small, large);
  expect(Math.min(...changed.map(([x]) => x))).toBe(left);
  expect(Math.max(...changed.map(([x]) => x))).toBe(right - 1);
  expect(Math.min(...changed.map(([, y]) => y))).toBe(top);
  expect(Math.max(...changed.map(([, y]) => y))).toBe(bottom - 1);
});

function changedPixels(a: Scene, b: Scene): [number, number][] {
  const { width } = a.image;
  const found: [number, number][] = [];
  for (let p = 0; p < a.image.data.length; p += 3) {
    if ([0, 1, 2].some((channel) => a.image.data[p + channel] !== b.image.data[p + channel])) {
      found.push([(p / 3) % width, Math.floor(p / 3 / width)]);
    }
  }
  return found;
}

test("other clutter leaves question and signs as they are", () => {
  const { objects, question } = generateScene(7, 3, { clutter: [0, 0] });
  expect({ objects, question }).toEqual({ objects: scenes[3]!.objects, question: scenes[3]!.question });
});

test("the printed digit can be read back from the pixels", () => {
  for (const scene of scenes.slice(0, 8))
    for (const sign of scene.objects) expect(readDigit(scene, sign)).toBe(sign.digit);
});

/** Finds the digit whose ink and paper differ most in the picture, over all places inside the box. */
function readDigit({ image }: Scene, { box, glyphScale: scale }: Scene["objects"][number]): number {
  const light = (x: number, y: number) => image.data[3 * (y * image.width + x) + 1]!;
  let best = { digit: -1, contrast: -1 };
  for (let y0 = box.top; y0 + glyphHeight * scale <= box.bottom; y0++) {
    for (let x0 = box.left; x0 + glyphWidth * scale <= box.right; x0++) {
      const cells = Array.from({ length: glyphHeight * glyphWidth }, (_, i) => [
        i % glyphWidth,
        Math.floor(i / glyphWidth),
      ]);
      const middles = cells.map(([c, r]) =>
        light(x0 + Math.floor((c! + 0.5) * scale), y0 + Math.floor((r! + 0.5) * scale)),
      );
      const [total, squares] = [sum(middles), sum(middles.map((value) => value * value))];
      const spread = Math.sqrt(squares / 35 - (total / 35) ** 2);
      for (let digit = 0; digit < 10; digit++) {
        const ink = cells.map(([c, r]) => (hasInk(digit, c!, r!) ? 1 : 0));
        const count = sum(ink);
        const product = sum(middles.map((value, i) => value * ink[i]!)) / 35 - (total / 35) * (count / 35);
        const contrast = Math.abs(product) / (spread * Math.sqrt((count / 35) * (1 - count / 35)) + 1e-9);
        if (contrast > best.contrast) best = { digit, contrast };
      }
    }
  }
  return best.digit;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

test("sizes, scales and counts are options", () => {
  const scene = generateScene(1, 0, { size: 128, glyphScale: [2, 2], signCount: [3, 3], clutter: [0, 2] });
  expect([scene.image.width, scene.image.height, scene.image.data.length]).toEqual([128, 128, 3 * 128 * 128]);
  expect(scene.objects.map(({ glyphScale }) => glyphScale)).toEqual([2, 2, 2]);
});

test("digits and positions are spread evenly", () => {
  const small = { size: 64, glyphScale: [1, 1], clutter: [0, 0] } as const;
  const answers = new Map<string, number>();
  for (let index = 0; index < 1000; index++) {
    const { answer, locate } = generateScene(3, index, small);
    for (const key of [answer, locate.row, locate.column]) answers.set(key, (answers.get(key) ?? 0) + 1);
  }
  for (const word of [...rowWords, ...columnWords]) expect(Math.abs(answers.get(word)! - 250)).toBeLessThan(60);
  for (let digit = 0; digit < 10; digit++) expect(Math.abs(answers.get(String(digit))! - 100)).toBeLessThan(40);
});

test.each([
  [{ size: 250 }, "`size` must be a multiple of 16 pixels and at least 64, got 250"],
  [{ glyphScale: [4, 6] }, "`glyphScale` must be two whole numbers in order between 1 and 5, got [4,6]"],
  [{ family: "compare", signCount: [1, 3] }, "`signCount` must be two whole numbers in order between 2 and 8"],
  [{ signCount: [0, 3] }, "`signCount` must be two whole numbers in order between 1 and 8, got [0,3]"],
  [{ clutter: [3, 1] }, "`clutter` must be two whole numbers in order"],
  [{ split: "test" }, '`split` must be one of train, validation, held-out, got "test"'],
  [{ family: "letters" }, '`family` must be one of digit, compare, got "letters"'],
])("options %j are refused", (options, message) => {
  expect(() => generateScene(1, 0, options as object)).toThrow(`region-datasets.generateScene: ${message}`);
});

test("seed and index must be whole numbers", () => {
  expect(() => generateScene(0.5, 0)).toThrow("got 0.5 and 0.");
  expect(() => generateScene(1, -1)).toThrow("got 1 and -1.");
});
