/** npm passes a terminal's Ctrl-C on to a program that has had it already: signals this close together are one. */
const sameInterruptMs = 300;

/**
 * A signal that fires at the first Ctrl-C (or SIGTERM), so that work can stop at a safe place. A second Ctrl-C ends the
 * process at once. `note` says so to the user.
 */
export function interruptSignal(note: string): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      process.stderr.write(`\n${note} (Ctrl-C again ends at once)\n`);
      controller.abort();
    } else if (performance.now() - firstAt > sameInterruptMs) process.exit(130);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}
