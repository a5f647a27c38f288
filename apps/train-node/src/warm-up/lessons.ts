import { cutViews } from "@imagine-opd/command-line";
import { rawMessages } from "@imagine-opd/imagination-prompts";
import type { RgbImage } from "@imagine-opd/protocol";
import { permutation, type RandomStream } from "@imagine-opd/random-streams";
import type { CropOptions } from "@imagine-opd/region-cropper";
import {
  columnWords,
  questionOf,
  rowWords,
  type Scene,
  type SceneOptions,
  type Sign,
} from "@imagine-opd/region-datasets";
import { largeGlyph } from "../scenes/sign-scenes.ts";
import { concludeAnswer, describeEvidence } from "../scenes/sign-words.ts";
import type { Exercise, Piece } from "./exercise.ts";

/** What the warm-up labels in the whole picture: digits of large signs; in views, of every size. */
export const isLarge = ({ glyphScale }: Sign): boolean => glyphScale >= largeGlyph;

/** Makes an exercise from a scene, its views cut by `crop`; undefined when the scene has no signs for it. */
export type Lesson = (scene: Scene, stream: RandomStream, crop: CropOptions) => Exercise | undefined;

const pick = <Item>(items: readonly Item[], stream: RandomStream): Item => items[stream.integer(items.length)]!;

function viewsOf(scene: Scene, boxes: Scene["boxes"], crop: CropOptions): RgbImage[] {
  return cutViews(scene, boxes, crop).map(({ image }) => image);
}

/** A view alone: colour, shape and digit. */
const readView: Lesson = (scene, stream, crop) => {
  const sign = pick(scene.objects, stream);
  return {
    messages: rawMessages(viewsOf(scene, [sign.box], crop), "read the sign"),
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
function explain(scene: Scene, context: Context, asked: Asked, crop: CropOptions): Exercise {
  const { family, signs, answer } = asked;
  const [user] = rawMessages([scene.image], questionOf(family, signs));
  const boxes = context === "student" ? [] : signs.map(({ box }) => box);
  const views = viewsOf(scene, boxes, crop).map((image) => ({ type: "image", image }) as const);
  return {
    messages: [{ ...user!, content: [...user!.content, ...views] }],
    response: [{ text: describeEvidence(signs) + concludeAnswer(signs, answer), weight: 1 }],
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
  return (scene, stream, crop) => {
    const signs = askable(scene, context);
    if (signs.length === 0) return undefined;
    const sign = pick(signs, stream);
    return explain(scene, context, { family: "digit", signs: [sign], answer: String(sign.digit) }, crop);
  };
}

/** Two signs with different digits, and which is larger. */
function pickPair(signs: readonly Sign[], stream: RandomStream): Asked | undefined {
  if (signs.length === 0) return undefined;
  const first = pick(signs, stream);
  const others = signs.filter(({ digit }) => digit !== first.digit);
  if (others.length === 0) return undefined;
  const second = pick(others, stream);
  const larger = first.digit > second.digit ? first : second;
  return { family: "compare", signs: [first, second], answer: `${larger.colour} ${larger.shape}` };
}

/** Which of two signs shows the larger digit. */
function askLarger(context: Context): Lesson {
  return (scene, stream, crop) => {
    const asked = pickPair(askable(scene, context), stream);
    return asked && explain(scene, context, asked, crop);
  };
}

/** The answer to a comparison from its own words, without any picture: the rest of them is given. */
const concludeLarger: Lesson = (scene, stream) => {
  const asked = pickPair(scene.objects, stream);
  if (asked === undefined) return undefined;
  return {
    messages: rawMessages([], questionOf("compare", asked.signs)),
    response: [
      { text: describeEvidence(asked.signs), weight: 0 },
      { text: concludeAnswer(asked.signs, asked.answer), weight: 1 },
    ],
  };
};

export const lessons = {
  "read-view": readView,
  "list-colours": listCells("colour"),
  "list-shapes": listCells("shape"),
  "list-digits": listCells("digit"),
  "place-few": placeSigns(false),
  "place-signs": placeSigns(false),
  "read-signs": placeSigns(true),
  "ask-student": askDigit("student"),
  "ask-teacher": askDigit("teacher"),
  "compare-student": askLarger("student"),
  "compare-teacher": askLarger("teacher"),
  "conclude-larger": concludeLarger,
} as const satisfies Record<string, Lesson>;

export type LessonName = keyof typeof lessons;

/** Lessons whose scenes are not the usual ones. */
export const lessonScenes: { readonly [Name in LessonName]?: SceneOptions } = { "place-few": { signCount: [1, 3] } };
