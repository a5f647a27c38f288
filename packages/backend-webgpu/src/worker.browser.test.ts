import { expect, test } from "vitest";
import type { WorkerAnswer } from "./open-in-worker.worker.ts";

test("opens in a module worker, and computes there", async () => {
  const worker = new Worker(new URL("./open-in-worker.worker.ts", import.meta.url), { type: "module" });
  try {
    const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    expect(answer).toEqual({ backend: "webgpu", provider: "host", isWindow: false, failed: [], gradient: [-6, 2, 10] });
  } finally {
    worker.terminate();
  }
}, 600_000);
