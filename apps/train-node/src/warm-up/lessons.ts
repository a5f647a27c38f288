import { rawMessages } from "@imagine-opd/imagination-prompts";
import type { RgbImage } from "@imagine-opd/protocol";
import { permutation, type RandomStream } from "@imagine-opd/random-streams";
import { cropRegions } from "@imagine-opd/region-cropper";
import { columnWords, rowWords, type Scene, type Sign } from "@imagine-opd/region-datasets";
import type { Exercise, Piece } from "./exercise.ts";
import { askAbout, explainSign } from "./sign-words.ts";

/** What the warm-up labels: digits of signs of this glyph scale or more in the whole picture; in views, every size. */
export const largeGlyph = 5;
export const isLarge = ({ glyphScale }: Sign): boolean => glyphScale >= largeGlyph;

/** Makes an exercise from a scene. */
export type Lesson = (scene: Scene, stream: RandomStream, viewSize: number) => Exercise;

const pick = <Item>(items: readonly Item[], stream: RandomStream): Item => items[stream.integer(items.length)]!;

/** The zoomed view of a sign, cut as the training program cuts evidence views. */
export function viewOf({ image }: Scene, { box }: Sign, size: number): RgbImage {
  const region = { box: [box.left, box.top, box.right, box.bottom], space: "pixel" } as const;
  const { views } = cropRegions(image, [region], {
    shape: "square",
    output: { kind: "fixed", width: size, height: size },
  });
  return views[0]!.image;
}

/** A view alone: colour, shape and digit. */
const readView: Lesson = (scene, stream, viewSize) => {
  const sign = pick(scene.objects, stream);
  return {
    messages: rawMessages([viewOf(scene, sign, viewSize)], "read the sign"),
    response: [{ text: ` ${sign.colour} ${sign.shape} ${sign.digit}`, weight: 1 }],
  };
};

const emptyCellWeight = 0.2;

/** One word for each of the sixteen cells in reading order; digits count for large signs only. */
function listCells(what: "colour" | "shape" | "digit"): Lesson {
  return ({ image, objects }) => {
    const cells = rowWords.flatMap((row) =>
      columnWords.map((column) => objects.find((sign) => sign.row === row && sign.column === column)),
    );
    const response = cells.map((sign): Piece => {
      if (sign === undefined) return { text: " empty", weight: emptyCellWeight };
      return { text: ` ${sign[what]}`, weight: what !== "digit" || isLarge(sign) ? 1 : 0 };
    });
    return { messages: rawMessages([image], `list the ${what} of every cell`), response };
  };
}

/** All signs in random order with their places; with `digits` also the digits of the large ones. */
function placeSigns(digits: boolean): Lesson {
  return ({ image, objects }, stream) => {
    const order = permutation(objects.length, stream).subarray(0, 6);
    const response = Array.from(order, (index) => objects[index]!).flatMap((sign): Piece[] => [
      { text: ` ${sign.colour}`, weight: 0.2 },
      { text: ` ${sign.shape} ${sign.row} ${sign.column}`, weight: 1 },
      ...(digits ? [{ text: ` ${sign.digit}`, weight: isLarge(sign) ? 1 : 0 }] : []),
      { text: " ,", weight: 0.2 },
    ]);
    return { messages: rawMessages([image], digits ? "read all signs" : "where is every sign"), response };
  };
}

/** The question itself: from the whole picture about large signs only, with the view about any. */
function answerQuestion(context: "student" | "teacher"): Lesson {
  return (scene, stream, viewSize) => {
    const sign = pick(context === "student" ? scene.objects.filter(isLarge) : scene.objects, stream);
    const [user] = rawMessages([scene.image], askAbout(sign));
    const view = context === "teacher" ? [{ type: "image", image: viewOf(scene, sign, viewSize) } as const] : [];
    return {
      messages: [{ ...user!, content: [...user!.content, ...view] }],
      response: [{ text: explainSign(sign), weight: 1 }],
    };
  };
}

export const lessons = {
  "read-view": readView,
  "list-colours": listCells("colour"),
  "list-shapes": listCells("shape"),
  "list-digits": listCells("digit"),
  "place-signs": placeSigns(false),
  "read-signs": placeSigns(true),
  "ask-student": answerQuestion("student"),
  "ask-teacher": answerQuestion("teacher"),
} as const satisfies Record<string, Lesson>;

export type LessonName = keyof typeof lessons;
