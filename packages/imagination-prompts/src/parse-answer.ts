/** The last answer tag of a completion. */
export interface ParsedAnswer {
  /** What stands in the tag, trimmed; absent when there is no tag or nothing in it. */
  readonly answer?: string;
  /** `open`: the close tag is missing, and the answer runs to the end of the text. */
  readonly tag: "closed" | "open" | "missing";
  /** Where the open tag begins, in UTF-16 code units; the text's length when the tag is missing. */
  readonly start: number;
  /** Where the close tag ends; the text's length when it is missing. */
  readonly end: number;
  /** Text behind the close tag, trimmed. */
  readonly afterAnswer: string;
}

/** Reads the last `<answer>…</answer>` of a text, upper or lower case. A missing close tag is tolerated and reported. */
export function parseAnswer(text: string): ParsedAnswer {
  const open = [...text.matchAll(/<answer>/gi)].at(-1);
  if (open === undefined) return { tag: "missing", start: text.length, end: text.length, afterAnswer: "" };
  const contentStart = open.index + open[0].length;
  const close = /<\/answer>/i.exec(text.slice(contentStart));
  const contentEnd = close === null ? text.length : contentStart + close.index;
  const end = close === null ? text.length : contentEnd + close[0].length;
  const answer = text.slice(contentStart, contentEnd).trim();
  return {
    ...(answer === "" ? {} : { answer }),
    tag: close === null ? "open" : "closed",
    start: open.index,
    end,
    afterAnswer: text.slice(end).trim(),
  };
}
