/**
 * A signal that fires at the first Ctrl-C (or SIGTERM), so that work can stop at a safe place. A second Ctrl-C ends the
 * process at once. `note` says so to the user.
 */
export function interruptSignal(note: string): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${note} (Ctrl-C again ends at once)\n`);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}
