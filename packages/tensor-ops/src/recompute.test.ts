import "@tensorflow/tfjs-backend-cpu";
import { waves } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { registerCoreGradients } from "./core-gradients.ts";
import { recompute } from "./recompute.ts";
import { withTapeSetAside } from "./tape.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

const layer = (x: tf.Tensor, w: tf.Tensor) => tf.tanh(tf.mul(tf.add(tf.square(x), x), w));
const read = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => Array.from(tensor.dataSync()));

describe("values and gradients are those of the plain computation, bit for bit", () => {
  test("tensors", () => {
    const [x, w] = [waves([2, 3]), waves([3], 1)];
    const plain = tf.grads((a, b) => tf.sum(layer(layer(a!, b!), b!)))([x, w]);
    const again = tf.grads((a, b) => {
      const once = recompute(layer, [a!, b!]);
      return tf.sum(recompute(layer, [once, b!]));
    })([x, w]);
    expect(read(again)).toEqual(read(plain));
    expect(recompute(layer, [x, w]).dataSync()).toEqual(layer(x, w).dataSync());
  });

  test("variables, inside a tidy, one recomputation inside another", () => {
    const w = tf.variable(waves([3], 1));
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = waves([2, 3]);
      const plain = tf.variableGrads(() => tf.sum(layer(layer(x, w), w)), [w]);
      const both = (a: tf.Tensor) => recompute(layer, [recompute(layer, [a, w]), w]);
      const again = tf.variableGrads(() => tf.sum(recompute(both, [x, w])), [w]);
      expect(read([again.value, again.grads[w.name]!])).toEqual(read([plain.value, plain.grads[w.name]!]));
    });
    expect(tf.memory().numTensors).toBe(before);
    w.dispose();
  });

  test("constants are kept, even when they are disposed before the backward pass, and get no gradient", () => {
    const x = waves([2, 3]);
    const before = tf.memory().numTensors;
    const gradient = tf.grad((a) => {
      const constant = tf.tensor1d([1, 2, 3]);
      const y = recompute((b, c) => tf.square(tf.mul(b!, c!)), [a], [constant]);
      constant.dispose();
      return tf.sum(y);
    })(x);
    const expected = x.dataSync().map((value, i) => 2 * value * [1, 4, 9][i % 3]!);
    for (const [i, value] of gradient.dataSync().entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    gradient.dispose();
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });

  test("an input that the result does not depend on gets zeros", () => {
    const [dx, dUnused] = tf.grads((a, b) => tf.sum(recompute((x) => tf.square(x), [a!, b!])))([
      tf.tensor1d([3]),
      tf.tensor1d([1, 2]),
    ]);
    expect(read([dx!, dUnused!])).toEqual([[6], [0, 0]]);
  });
});

describe("memory", () => {
  test("only the inputs are kept between the passes", () => {
    const x = waves([4, 4]);
    const deep = (a: tf.Tensor) => {
      let y = a;
      for (let i = 0; i < 5; i++) y = tf.tanh(tf.square(y));
      return y;
    };
    const kept = (f: (a: tf.Tensor) => tf.Tensor) => {
      let tensors = 0;
      tf.dispose(
        tf.grad((a) => {
          const before = tf.memory().numTensors;
          const y = tf.tidy(() => f(a));
          tensors = tf.memory().numTensors - before - 1;
          return tf.sum(y);
        })(x),
      );
      return tensors;
    };
    expect(kept(deep)).toBe(10);
    expect(kept((a) => recompute(deep, [a]))).toBe(1);
    x.dispose();
  });

  test("nothing is left after 20 steps", () => {
    const [x, w] = [waves([2, 3]), tf.variable(waves([3], 1))];
    const before = tf.memory().numTensors;
    for (let step = 0; step < 20; step++) {
      const { value, grads } = tf.variableGrads(() => tf.sum(recompute((a) => layer(a, w), [x, w])), [w]);
      tf.dispose([value, grads[w.name]!]);
    }
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([x, w]);
  });

  test("nor after an error in the second run", () => {
    const x = waves([3]);
    const before = tf.memory().numTensors;
    let runs = 0;
    const failing = (a: tf.Tensor) => {
      const y = tf.square(a);
      if (++runs > 1) throw new Error("second run");
      return y;
    };
    const replay = () => withTapeSetAside(() => tf.grad((a) => tf.sum(recompute(failing, [a])))(x));
    expect(replay).toThrow("second run");
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});

describe("refused", () => {
  test("a trainable variable that is not an input", () => {
    const w = tf.variable(tf.scalar(2), true, "hidden");
    const x = tf.scalar(3);
    const gradient = () => tf.grad((a) => recompute((b) => tf.mul(b, w), [a]))(x);
    expect(() => withTapeSetAside(gradient)).toThrow(
      'tensor-ops.recompute: the computation uses the trainable variable "hidden", which is not among `inputs`. Pass every trainable variable as an input; otherwise its gradient would be lost.',
    );
    tf.dispose([w, x]);
  });

  test("second derivatives", () => {
    const first = tf.grad((a) => recompute((b) => tf.square(b), [a]));
    expect(() => withTapeSetAside(() => tf.grad(first)(tf.scalar(3)))).toThrow("a second derivative was asked for.");
  });

  test("another engine", () => {
    const { state } = tf.engine();
    const { gradientDepth } = state;
    Object.assign(state, { gradientDepth: undefined });
    try {
      expect(() => recompute((a) => a, [])).toThrow("Install @tensorflow/tfjs-core 4.22.");
    } finally {
      Object.assign(state, { gradientDepth });
    }
  });
});
