import type { Sign } from "@imagine-opd/region-datasets";

const joined = (signs: readonly Sign[], describe: (sign: Sign) => string): string => signs.map(describe).join(" and ");

/** Where signs are and what they show, in the tiny model's words. */
function describeSigns(signs: readonly Sign[]) {
  return {
    places: joined(signs, ({ row, column }) => `the ${row} ${column}`),
    names: joined(signs, ({ colour, shape }) => `the ${colour} ${shape}`),
    digits: joined(signs, ({ digit }) => `the digit ${digit}`),
  };
}

/** The first three moves in the tiny model's register: where it looks, that it zooms in mind, what it sees. */
export function describeEvidence(signs: readonly Sign[]): string {
  const { places, names, digits } = describeSigns(signs);
  const [matter, them] = signs.length === 1 ? ["sign matters", "it"] : ["signs matter", "them"];
  return ` Looking at ${places} , ${names} ${matter} . I mentally zoom in on ${them} . I see ${digits} .`;
}

/** The last move. Of two digits it says first which is larger: a tiny model learns one step at a time, not both at once. */
export function concludeAnswer([first, second]: readonly Sign[], answer: string): string {
  if (second === undefined) return ` <answer>${answer}</answer>`;
  const sign = first!.digit < second.digit ? "<" : ">";
  // The space makes the answer's words the very tokens that stand in the question.
  return ` ${first!.digit}${sign}${second.digit} . <answer> ${answer}</answer>`;
}

export interface Evidence {
  /** It names the right places. */
  readonly located: boolean;
  /** It says what the signs show. */
  readonly seen: boolean;
}

/** Whether a completion's own evidence is true, whatever it answers. */
export function checkEvidence(text: string, signs: readonly Sign[]): Evidence {
  const { places, digits } = describeSigns(signs);
  return {
    located: /Looking at (.*?) ,/.exec(text)?.[1] === places,
    seen: /I see (.*?) \./.exec(text)?.[1] === digits,
  };
}
