import type { Sign } from "@imagine-opd/region-datasets";

/** The question about one sign, as the scenes ask it. */
export function askAbout({ colour, shape }: Sign): string {
  return `what digit is on the ${colour} ${shape} sign ?`;
}

/** The four moves in the tiny model's register: where it looks, that it zooms in mind, what it sees, the answer. */
export function explainSign({ colour, shape, row, column, digit }: Sign): string {
  return ` Looking at the ${row} ${column} , the ${colour} ${shape} sign matters . I mentally zoom in on it . I see the digit ${digit} . <answer>${digit}</answer>`;
}
