const marker = Symbol.for("@imagine-opd/error");

/**
 * What kind of thing went wrong. Closed: programs may switch over it.
 *
 * - `invalid-argument`: the caller passed something this function does not take
 * - `invalid-data`: a file or a record does not hold what its format promises
 * - `missing-file`: a file that is needed is not there
 * - `missing-part`: an optional program, peer dependency, kernel or device that is needed is not there
 * - `unsupported`: valid, but not something this version can do
 * - `limit-exceeded`: too long or too large for the model, the device or a declared limit
 * - `mismatch`: two things that must agree do not (ids, shapes, fingerprints, presets)
 * - `non-finite`: NaN or infinity where a number was needed
 * - `disposed`: used after `dispose()`
 * - `aborted`: stopped by an `AbortSignal`
 */
export type ErrorCode =
  | "invalid-argument"
  | "invalid-data"
  | "missing-file"
  | "missing-part"
  | "unsupported"
  | "limit-exceeded"
  | "mismatch"
  | "non-finite"
  | "disposed"
  | "aborted";

/** What an {@link ImagineOpdError} is made of. Place, problem and remedy become its message, in this order. */
export interface ErrorDescription {
  /** `package.function`, for example `distillation-loss.divergence`. */
  readonly where: string;
  /** What was expected and what was got, in one sentence. */
  readonly problem: string;
  /** What the reader can do about it, in one sentence. */
  readonly remedy?: string;
  /** Machine-readable particulars: names, lengths, values. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error of all packages. Recognise it with {@link isImagineOpdError}, never with `instanceof`. */
export class ImagineOpdError extends Error {
  override readonly name = "ImagineOpdError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, { where, problem, remedy, details = {}, cause }: ErrorDescription) {
    super(
      `${where}: ${problem}${remedy === undefined ? "" : ` ${remedy}`}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.details = details;
    Object.defineProperty(this, marker, { value: true });
  }
}

/** True for an {@link ImagineOpdError} of any copy and version of this package. */
export function isImagineOpdError(error: unknown): error is ImagineOpdError {
  return typeof error === "object" && error !== null && (error as Record<symbol, unknown>)[marker] === true;
}

/** Throws `aborted` when the signal has fired. Long loops call it between their steps. */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted)
    throw new ImagineOpdError("aborted", {
      where,
      problem: "stopped by the caller's AbortSignal.",
      cause: signal.reason,
    });
}
