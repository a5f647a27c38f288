import { ImagineOpdError } from "@imagine-opd/protocol";

/** The error for a file that does not hold what its format promises. */
export function invalidFile(
  where: string,
  file: string,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `"${file}" ${problem}`,
    remedy: "Download or export the file again.",
    details: { file, ...details },
  });
}

/** A name from a file as an error message shows it: quoted, escaped and of bounded length. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
