import { ImagineOpdError } from "@imagine-opd/protocol";

/** The bytes `from <= i < to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** A range of bytes in order. */
export function checkRange({ from, to }: ByteRange, name: string, where: string): void {
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `a range needs integers 0 <= from <= to, got from ${from}, to ${to} for ${name}.`,
    details: { name, from, to },
  });
}

/** The error for a range that ends behind the file. */
export function pastTheEnd(
  { from, to }: ByteRange,
  size: number | undefined,
  name: string,
  where: string,
): ImagineOpdError {
  const holds = size === undefined ? "fewer" : `${size}`;
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `bytes ${from} to ${to} of ${name} were asked for, but it holds ${holds}.`,
    remedy: "The file is cut short or is not the one that was meant; fetch it again.",
    details: { name, from, to, size },
  });
}

/** The error for a name that is not there. */
export function missingFile(name: string, place: string, where: string, cause?: unknown): ImagineOpdError {
  return new ImagineOpdError("missing-file", {
    where,
    problem: `there is no file ${name} in ${place}.`,
    remedy: "Check the name and the place.",
    details: { name, place },
    cause,
  });
}
