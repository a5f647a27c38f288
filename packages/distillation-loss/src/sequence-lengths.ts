import { refuseArgument } from "./refuse-argument.ts";

/** Refuses lengths that do not add up to the rows. */
export function requireLengths(where: string, rows: number, lengths: Int32Array | undefined): Int32Array {
  if (lengths === undefined)
    refuseArgument(where, "lengths are needed to tell the sequences apart.", "Give each sequence's number of tokens.");
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (lengths.some((length) => length < 0) || total !== rows)
    refuseArgument(where, `lengths must add up to the ${rows} rows, got ${total}.`);
  return lengths;
}

/** `[N]` which sequence each row belongs to, and its position there, from 0. */
export function locateRows(lengths: Int32Array): { readonly sequence: Int32Array; readonly position: Int32Array } {
  const rows = lengths.reduce((sum, length) => sum + length, 0);
  const [sequence, position] = [new Int32Array(rows), new Int32Array(rows)];
  let row = 0;
  for (const [index, length] of lengths.entries())
    for (let i = 0; i < length; i++, row++) {
      sequence[row] = index;
      position[row] = i;
    }
  return { sequence, position };
}
