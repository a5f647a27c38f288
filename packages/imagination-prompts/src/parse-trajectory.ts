import { type ParsedAnswer, parseAnswer } from "./parse-answer.ts";

/** The four rhetorical moves of an imagination trajectory. */
export type MoveKind = "locate" | "invoke" | "reveal" | "commit";

/** A stretch of text that makes one move. */
export interface Move {
  readonly kind: MoveKind;
  /** First UTF-16 code unit. */
  readonly start: number;
  /** One past the last UTF-16 code unit. */
  readonly end: number;
  readonly text: string;
}

export interface Trajectory extends Pick<ParsedAnswer, "answer" | "tag" | "afterAnswer"> {
  /** In the order of the text; neighbouring sentences of one move are one entry. Text between moves belongs to none. */
  readonly moves: readonly Move[];
  /** Imagined closer looks that say what they show: `invoke` moves followed by a `reveal`. */
  readonly rounds: number;
}

const inspecting =
  /\b(?:look|scan|inspect|examin|search|locat|find|spot|notic|focus|survey|check|glanc|observ|see\b|identif)\w*|\b(?:matters|is relevant)\b/i;
const mental = /\b(?:mental\w*|imagin\w*|in my mind|in thought|mind's eye)\b/i;
const enlarging = /\b(?:zoom|crop|magnif|enlarg)\w*|\b(?:closer|close-up|up close)\b/i;
const perceiving =
  /\b(?:I (?:can |could |now )*(?:see|notice|observe|read|make out)|(?:is|are|becomes?) (?:now |clearly )*(?:visible|seen|clear)|shows?|reveals?|appears?|reads|looks|there (?:is|are))\b/i;
const concluding = /^\s*(?:so|thus|hence|therefore|consequently|the answer|this means|that means)\b/i;

/**
 * Splits a completion into the moves locate, invoke, reveal and commit (arXiv 2606.08719) by cue words: for display and
 * metrics only. The objective sees tokens, never this.
 */
export function parseTrajectory(text: string): Trajectory {
  const { answer, tag, start, end, afterAnswer } = parseAnswer(text);
  const moves: Move[] = [];
  let commitStart = start;
  for (const [from, to] of splitClauses(text, start)) {
    const clause = text.slice(from, to);
    if (concluding.test(clause) && !imagines(clause)) {
      commitStart = Math.min(commitStart, from);
      continue;
    }
    commitStart = start; // only conclusions right before the tag belong to the commitment
    const kind = classify(clause, moves.at(-1)?.kind);
    if (kind !== undefined) addMove(moves, text, kind, from, to);
  }
  if (tag !== "missing") addMove(moves, text, "commit", commitStart, end);
  const rounds = moves.filter(({ kind }, index) => kind === "invoke" && moves[index + 1]?.kind === "reveal").length;
  return { moves, rounds, ...(answer === undefined ? {} : { answer }), tag, afterAnswer };
}

/** The move of a clause, given the move before it: perception reveals only after an imagined operation. */
function classify(clause: string, previous: MoveKind | undefined): MoveKind | undefined {
  if (imagines(clause)) return "invoke";
  if ((previous === "invoke" || previous === "reveal") && perceiving.test(clause)) return "reveal";
  return previous !== "invoke" && inspecting.test(clause) ? "locate" : undefined;
}

function imagines(clause: string): boolean {
  return mental.test(clause) && enlarging.test(clause);
}

function addMove(moves: Move[], text: string, kind: MoveKind, from: number, to: number): void {
  const last = moves.at(-1);
  const start = last?.kind === kind ? moves.pop()!.start : from;
  moves.push({ kind, start, end: to, text: text.slice(start, to) });
}

/** Sentences before `end` without the space around them; one that imagines and then perceives is cut in two. */
function splitClauses(text: string, end: number): [from: number, to: number][] {
  const clauses: [number, number][] = [];
  for (const match of text.slice(0, end).matchAll(/\S(?:[^.!?\n]|[.!?](?!\s|$))*[.!?]*/g)) {
    const from = match.index;
    const sentence = match[0].trimEnd();
    const cut = revealStart(sentence);
    if (cut > 0) clauses.push([from, from + sentence.slice(0, cut).trimEnd().length]);
    clauses.push([from + cut, from + sentence.length]);
  }
  return clauses;
}

/** Where the perceiving half of "Mentally zooming in on the sign, I see a fish" begins; 0 when there is no such half. */
function revealStart(sentence: string): number {
  const operation = mental.exec(sentence);
  const enlargement = enlarging.exec(sentence);
  if (operation === null || enlargement === null) return 0;
  const spoken = Math.max(operation.index + operation[0].length, enlargement.index + enlargement[0].length);
  const perception = perceiving.exec(sentence.slice(spoken));
  if (perception === null) return 0;
  const border = [
    ...sentence.slice(spoken, spoken + perception.index).matchAll(/[,;:]\s+|\s(?=(?:and|which|where)\s)/g),
  ].at(-1);
  return spoken + (border === undefined ? perception.index : border.index + border[0].length);
}
