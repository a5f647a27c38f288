/** Text that is written while it grows. */
export interface GrowingText {
  /** @param text all of it so far */
  update(text: string): void;
  /** Writes what was held back. */
  finish(text: string): void;
}

/**
 * Writes only what later tokens cannot change: a character whose bytes are still incomplete decodes to replacement
 * characters at the end, which wait for the tokens that complete it.
 */
export function createGrowingText(write: (piece: string) => void): GrowingText {
  let written = "";
  const extendTo = (text: string): void => {
    if (text.length > written.length && text.startsWith(written)) {
      write(text.slice(written.length));
      written = text;
    }
  };
  return {
    update: (text) => extendTo(text.replace(/\uFFFD+$/, "")),
    finish(text) {
      extendTo(text);
      // A decoder may change its mind about earlier text. Then the whole of it follows on a line of its own.
      if (written !== text) write(`\n${text}`);
    },
  };
}
