import { ImagineOpdError } from "@imagine-opd/protocol";
import { permutation, randomStream } from "@imagine-opd/random-streams";

/** Which examples a step takes: a fresh order for every epoch, known from the step's number alone. */
export interface DataOrder {
  readonly stepsPerEpoch: number;
  /** Indices of the examples of a step, from 1. */
  examplesOf(step: number): Int32Array;
}

/** @throws invalid-argument when the data hold less than one batch */
export function createDataOrder(size: number, batchSize: number, seed: number): DataOrder {
  const stepsPerEpoch = Math.floor(size / batchSize);
  if (stepsPerEpoch < 1) {
    throw new ImagineOpdError("invalid-argument", {
      where: "trainer.createTrainer",
      problem: `the data hold ${size} examples, less than one batch of ${batchSize}.`,
      remedy: "Lower batchSize or add data.",
      details: { size, batchSize },
    });
  }
  let cached: { epoch: number; order: Int32Array } | undefined;
  return {
    stepsPerEpoch,
    examplesOf(step) {
      const epoch = Math.floor((step - 1) / stepsPerEpoch);
      if (cached?.epoch !== epoch)
        cached = { epoch, order: permutation(size, randomStream(seed, "data-order", epoch)) };
      const first = ((step - 1) % stepsPerEpoch) * batchSize;
      return cached.order.slice(first, first + batchSize);
    },
  };
}
