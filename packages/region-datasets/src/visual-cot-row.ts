import type { RecordAnswer } from "./region-record.ts";

/** The three published forms of Visual-CoT: `metadata` has `bboxs`, `conversation` has turns, `detection` has `img_path`. */
export type VisualCotForm = "metadata" | "conversation" | "detection";

/** Why a row was refused. */
export type RowFault =
  | "malformed line"
  | "unknown form"
  | "missing question"
  | "missing image"
  | "missing box"
  | "malformed box"
  | "empty answer"
  | "malformed answer"
  | "empty solution"
  | "malformed solution"
  | "malformed size"
  | "marker count";

/** A row's fault with what was found; the reader adds the place. */
export class RowError extends Error {
  readonly reason: RowFault;
  constructor(reason: RowFault, problem: string) {
    super(problem);
    this.reason = reason;
  }
}

/** What the three forms have in common, boxes not yet cleaned. */
export interface VisualCotRow {
  readonly form: VisualCotForm;
  readonly ref: string;
  readonly width?: number;
  readonly height?: number;
  readonly question: string;
  readonly answer?: RecordAnswer;
  readonly solution?: string;
  readonly boxes: readonly (readonly (number | null)[])[];
  readonly dataset?: string;
  readonly split?: string;
  readonly raw: Record<string, unknown>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one parsed row, whichever form it has.
 * @throws RowError when the row does not hold what its form promises
 */
export function parseVisualCotRow(value: unknown): VisualCotRow {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RowError("malformed line", "expected one JSON object");
  }
  const row = value as Fields;
  if ("conversations" in row) return conversationRow(row);
  if ("img_path" in row || "expression" in row) return detectionRow(row);
  if ("bboxs" in row || "image" in row || "question" in row) return metadataRow(row);
  throw new RowError(
    "unknown form",
    `expected the keys \`bboxs\`, \`conversations\` or \`img_path\`, got ${Object.keys(row).join(", ") || "none"}`,
  );
}

function metadataRow(row: Fields): VisualCotRow {
  return {
    form: "metadata",
    ref: requireText(row.image, "missing image", "`image`"),
    question: withoutMarker(requireText(row.question, "missing question", "`question`")),
    boxes: requireBoxes(row.bboxs, "`bboxs`"),
    ...readAnswer(row.answer),
    ...readSolution(row),
    ...readSize(row),
    ...readOrigin(row),
    raw: rest(row, ["question", "answer", "solution", "image", "width", "height", "bboxs", "dataset", "split"]),
  };
}

function detectionRow(row: Fields): VisualCotRow {
  return {
    form: "detection",
    ref: requireText(row.img_path, "missing image", "`img_path`"),
    question: withoutMarker(requireText(row.expression, "missing question", "`expression`")),
    boxes: requireBoxes(row.bbox === undefined ? undefined : [row.bbox], "`bbox`"),
    ...readSolution(row),
    ...readSize(row),
    ...readOrigin(row),
    raw: rest(row, ["expression", "solution", "img_path", "width", "height", "bbox", "dataset", "split"]),
  };
}

/**
 * The conversation form repeats the box twice: in the second turn as 0 to 1 of the square-padded picture, and behind
 * `###` in the second image name as pixels of the picture itself. Only the latter is used.
 */
function conversationRow(row: Fields): VisualCotRow {
  const images = Array.isArray(row.image) ? row.image : [];
  const turns = Array.isArray(row.conversations) ? row.conversations : [];
  const [ref, marked] = [requireText(images[0], "missing image", "`image[0]`"), images[1]];
  const separator = typeof marked === "string" ? marked.lastIndexOf("###") : -1;
  if (separator < 0) throw new RowError("missing box", "expected a box behind `###` in `image[1]`");
  const asked = requireText(turns[0]?.value, "missing question", "`conversations[0].value`");
  return {
    form: "conversation",
    ref,
    question: withoutMarker(asked.replace(/\s*Please provide the bounding box.*$/s, "")),
    boxes: requireBoxes([parseJson((marked as string).slice(separator + 3))], "the suffix of `image[1]`"),
    ...readAnswer(turns[3]?.value),
    ...readSolution(row),
    ...readSize(row),
    ...readOrigin(row),
    raw: rest(row, ["conversations", "solution", "image", "width", "height", "dataset", "split"]),
  };
}

function requireText(value: unknown, reason: RowFault, name: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new RowError(reason, `expected text in ${name}, got ${JSON.stringify(value) ?? "nothing"}`);
}

function requireBoxes(value: unknown, name: string): (number | null)[][] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new RowError(
      "missing box",
      `expected at least one box in ${name}, got ${JSON.stringify(value) ?? "nothing"}`,
    );
  }
  const isBox = (box: unknown): box is (number | null)[] =>
    Array.isArray(box) && box.length === 4 && box.every((side) => side === null || typeof side === "number");
  for (const box of value) {
    if (!isBox(box)) {
      throw new RowError("malformed box", `expected four numbers for each box in ${name}, got ${JSON.stringify(box)}`);
    }
  }
  return value;
}

function readAnswer(value: unknown): { answer?: RecordAnswer } {
  const text = readText(value, "answer");
  return text === undefined ? {} : { answer: { text } };
}

/** No published row has one; it stands under the same key whatever the form. */
function readSolution(row: Fields): { solution?: string } {
  const solution = readText(row.solution, "solution");
  return solution === undefined ? {} : { solution };
}

function readText(value: unknown, name: "answer" | "solution"): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") {
    throw new RowError(`malformed ${name}`, `expected the ${name} as text, got ${JSON.stringify(value)}`);
  }
  if (value.trim() === "") throw new RowError(`empty ${name}`, `the ${name} is empty text`);
  return value.trim();
}

function readSize(row: Fields): { width?: number; height?: number } {
  const side = (name: "width" | "height") => {
    const value = row[name];
    if (value === undefined || value === null) return {};
    if (Number.isInteger(value) && (value as number) > 0) return { [name]: value as number };
    throw new RowError("malformed size", `expected \`${name}\` in whole pixels above 0, got ${JSON.stringify(value)}`);
  };
  return { ...side("width"), ...side("height") };
}

function readOrigin(row: Fields): { dataset?: string; split?: string } {
  const text = (name: "dataset" | "split") => (typeof row[name] === "string" ? { [name]: row[name] } : {});
  return { ...text("dataset"), ...text("split") };
}

function withoutMarker(question: string): string {
  const count = question.split("<image>").length - 1;
  if (count > 1) throw new RowError("marker count", `the question has ${count} image markers for one picture`);
  const text = question.replace("<image>", "").trim();
  if (text === "") throw new RowError("missing question", "the question is empty");
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowError("malformed box", `expected a box such as [0, 0, 10, 10], got ${JSON.stringify(text)}`);
  }
}

function rest(row: Fields, known: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !known.includes(key)));
}
