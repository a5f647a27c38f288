/** The program of the worker test: opens the backend, probes it, computes a gradient, and posts what came out. */
import { probe, probePassed } from "@imagine-opd/tensor-ops/probe";
import * as tf from "@tensorflow/tfjs-core";
import { closeWebgpuBackend, openWebgpuBackend } from "./index.ts";

export interface WorkerAnswer {
  readonly backend: string;
  readonly provider: string;
  readonly isWindow: boolean;
  /** Operations that the probe found wrong. */
  readonly failed: readonly string[];
  /** Of `Σ (2 · x - 1)²` at `x = [-1/4, 3/4, 7/4]`. */
  readonly gradient: readonly number[];
}

const { backend, provider } = await openWebgpuBackend();
const failed = (await probe()).filter((row) => !probePassed([row])).map(({ op }) => op);
const loss = (x: tf.Tensor) => tf.sum(tf.square(tf.sub(tf.mul(x, 2), 1)));
const gradient = tf.tidy(() => tf.grad(loss)(tf.tensor1d([-0.25, 0.75, 1.75])));
const answer: WorkerAnswer = {
  backend,
  provider,
  isWindow: "window" in globalThis,
  failed,
  gradient: Array.from(await gradient.data()),
};
closeWebgpuBackend();
postMessage(answer);
