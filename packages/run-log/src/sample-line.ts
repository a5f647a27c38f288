import { ImagineOpdError } from "@imagine-opd/protocol";

/** One question of one evaluation: one line of `samples.jsonl`. A recount needs nothing else. */
export interface SampleEntry {
  /** Label of the evaluation, the same as in the report. */
  readonly evaluation: string;
  readonly recordId: string;
  readonly question: string;
  /** The labelled answer. */
  readonly reference: string;
  /** Decoded completion. */
  readonly text: string;
  /** What its answer tag holds; absent when there is none. */
  readonly answer?: string;
  readonly correct: boolean;
  /** Completion length. */
  readonly tokens: number;
  readonly category?: string;
  /** Whether the completion names the right place. */
  readonly located?: boolean;
  /** Whether it states the right evidence. */
  readonly evidence?: boolean;
}

/** One line of `samples.jsonl`, without its line break. A missing answer is `null`. */
export function formatSampleLine(entry: SampleEntry): string {
  const { evaluation, recordId, question, reference, text, answer = null, correct, tokens } = entry;
  const { category, located, evidence } = entry;
  return JSON.stringify({
    evaluation,
    recordId,
    category,
    question,
    reference,
    text,
    answer,
    correct,
    tokens,
    located,
    evidence,
  });
}

/**
 * Reads `samples.jsonl`.
 * @throws invalid-data with the line's number for a line that is not a sample
 */
export function readSamples(text: string): SampleEntry[] {
  return text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [parseSample(line, index + 1)]));
}

function parseSample(line: string, number: number): SampleEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw notASample(line, number);
  }
  if (typeof value !== "object" || value === null) throw notASample(line, number);
  const { answer, ...rest } = value as Record<string, unknown>;
  const texts = ["evaluation", "recordId", "question", "reference", "text"].every(
    (name) => typeof rest[name] === "string",
  );
  if (!texts || typeof rest.correct !== "boolean" || typeof rest.tokens !== "number") throw notASample(line, number);
  return { ...rest, ...(typeof answer === "string" && { answer }) } as unknown as SampleEntry;
}

function notASample(line: string, number: number): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where: "run-log.readSamples",
    problem: `line ${number} is not a sample of an evaluation, got "${line.slice(0, 80)}".`,
    remedy: "Write the file again: it is written whole.",
    details: { line: number },
  });
}
