/** Losses of `trainTinyTransformer(20)` as tfjs-backend-cpu 4.22.0 computes them, nats a token. */
export const expectedLosses: readonly number[] = [
  4.784297, 3.755851, 3.277432, 2.999676, 2.813328, 2.640956, 2.466605, 2.300503, 2.140484, 1.989119, 1.840547,
  1.695532, 1.558038, 1.426199, 1.301425, 1.186298, 1.076132, 0.970068, 0.870801, 0.778692,
];
