/**
 * A function that gives the event loop a turn when the last one is `intervalMs` ago. Backends that compute synchronously
 * would otherwise hold timers, input and an abort back until the end.
 */
export function createTurnTaker(intervalMs: number): () => Promise<void> {
  let lastTurn = performance.now();
  return async () => {
    if (performance.now() - lastTurn < intervalMs) return;
    await takeTurn();
    lastTurn = performance.now();
  };
}

/** By a message, because browsers hold back the timers of hidden tabs for a second or more. */
function takeTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
