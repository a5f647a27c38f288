import { cutViews } from "@imagine-opd/command-line";
import { rawMessages } from "@imagine-opd/imagination-prompts";
import type { RgbImage } from "@imagine-opd/protocol";
import { permutation, type RandomStream } from "@imagine-opd/random-streams";
import { columnWords, questionOf, rowWords, type Scene, type Sign } from "@imagine-opd/region-datasets";
import { largeGlyph, signCrop } from "../scenes/sign-scenes.ts";
import { explainSigns } from "../scenes/sign-words.ts";
import type { Exercise, Piece } from "./exercise.ts";

/** What the warm-up labels in the whole picture: digits of large signs; in views, of every size. */
export const isLarge = ({ glyphScale }: Sign): boolean => glyphScale >= largeGlyph;

/** Makes an exercise from a scene; undefined when the scene has no signs for it. */
export type Lesson = (scene: Scene, stream: RandomStream, viewSize: number) => Exercise | undefined;

const pick = <Item>(items: readonly Item[], stream: RandomStream): Item => items[stream.integer(items.length)]!;

function viewsOf(scene: Scene, boxes: Scene["boxes"], viewSize: number): RgbImage[] {
  return cutViews(scene, boxes, signCrop(viewSize)).map(({ image }) => image);
}

/** A view alone: colour, shape and digit. */
const readView: Lesson = (scene, stream, viewSize) => {
  const sign = pick(scene.objects, stream);
  return {
    messages: rawMessages(viewsOf(scene, [sign.box], viewSize), "read the sign"),
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
      // One token a cell, so that every cell stands at the same distance from its word: a digit has no space of its own.
      return what === "digit"
        ? { text: String(sign.digit), weight: isLarge(sign) ? 1 : 0 }
        : { text: ` ${sign[what]}`, weight: 1 };
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
      ...(digits ? [{ text: String(sign.digit), weight: isLarge(sign) ? 1 : 0 }] : []),
      { text: " ,", weight: 0.2 },
    ]);
    return { messages: rawMessages([image], digits ? "read all signs" : "where is every sign"), response };
  };
}

type Context = "student" | "teacher";

/** A question with its four moves: from the whole picture alone about large signs only, with views about any. */
function explain(scene: Scene, context: Context, asked: Asked, viewSize: number): Exercise {
  const { family, signs, answer } = asked;
  const [user] = rawMessages([scene.image], questionOf(family, signs));
  const boxes = context === "student" ? [] : signs.map(({ box }) => box);
  const views = viewsOf(scene, boxes, viewSize).map((image) => ({ type: "image", image }) as const);
  return {
    messages: [{ ...user!, content: [...user!.content, ...views] }],
    response: [{ text: explainSigns(signs, answer), weight: 1 }],
  };
}

interface Asked {
  readonly family: Scene["family"];
  readonly signs: readonly Sign[];
  readonly answer: string;
}

const askable = ({ objects }: Scene, context: Context) => (context === "student" ? objects.filter(isLarge) : objects);

/** What digit one sign shows. */
function askDigit(context: Context): Lesson {
  return (scene, stream, viewSize) => {
    const signs = askable(scene, context);
    if (signs.length === 0) return undefined;
    const sign = pick(signs, stream);
    return explain(scene, context, { family: "digit", signs: [sign], answer: String(sign.digit) }, viewSize);
  };
}

/** Which of two signs shows the larger digit. */
function askLarger(context: Context): Lesson {
  return (scene, stream, viewSize) => {
    const signs = askable(scene, context);
    if (signs.length === 0) return undefined;
    const first = pick(signs, stream);
    const others = signs.filter(({ digit }) => digit !== first.digit);
    if (others.length === 0) return undefined;
    const second = pick(others, stream);
    const larger = first.digit > second.digit ? first : second;
    const answer = `${larger.colour} ${larger.shape}`;
    return explain(scene, context, { family: "compare", signs: [first, second], answer }, viewSize);
  };
}

export const lessons = {
  "read-view": readView,
  "list-colours": listCells("colour"),
  "list-shapes": listCells("shape"),
  "list-digits": listCells("digit"),
  "place-signs": placeSigns(false),
  "read-signs": placeSigns(true),
  "ask-student": askDigit("student"),
  "ask-teacher": askDigit("teacher"),
  "compare-student": askLarger("student"),
  "compare-teacher": askLarger("teacher"),
} as const satisfies Record<string, Lesson>;

export type LessonName = keyof typeof lessons;
