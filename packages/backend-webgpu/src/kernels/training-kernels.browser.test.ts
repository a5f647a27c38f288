import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { adamWUpdate, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectClose, onWebgpu, startWebgpu, take, tensor } from "../../test/parity.ts";

beforeAll(async () => {
  await startWebgpu();
});

describe("AdamW", () => {
  const scalars = {
    gradientScale: 0.3,
    decay: 0.999,
    firstRate: 0.1,
    secondKeep: 0.999,
    secondRate: 0.001,
    epsilon: 1e-8,
    stepSize: 0.01,
  };
  const update = (shape: readonly number[]) =>
    take(
      tf.tidy(() => {
        const second = tf.square(tensor(shape, 4));
        const old = { weight: tensor(shape, 1), first: tensor(shape, 3), second };
        const { weight, first, second: newSecond } = adamWUpdate(old, tensor(shape, 2), scalars);
        return [weight, first, newSecond];
      }),
    );

  it.each([[[1]], [[130]], [[17, 65]]])("updates %j as composed on cpu, the same bits twice", async (shape) => {
    const fused = await onWebgpu(() => update(shape));
    expect(await onWebgpu(() => update(shape))).toEqual(fused);
    await tf.setBackend("cpu");
    expectClose(fused, await update(shape));
  });

  it("gives 1 step of size 1 from zero averages", async () => {
    const given = { ...scalars, gradientScale: 1, decay: 1, epsilon: 0, stepSize: 1 };
    const results = await onWebgpu(() =>
      take(
        tf.tidy(() => {
          const zero = tf.zeros([2]);
          const { weight, first, second } = adamWUpdate(
            { weight: tf.tensor1d([5, 5]), first: zero, second: zero },
            tf.tensor1d([2, -2]),
            given,
          );
          return [weight, first, second];
        }),
      ),
    );
    // m = 0.2, v = 0.004, m / √v = √10
    expectClose(
      results,
      [
        [5 - 10 ** 0.5, 5 + 10 ** 0.5],
        [0.2, -0.2],
        [0.004, 0.004],
      ].map((x) => Float32Array.from(x)),
    );
  });
});

describe("the gradient of an embedding lookup", () => {
  const gradient = (rows: readonly number[], count: number, columns: number) =>
    take(
      tf.tidy(() => {
        const dy = tensor([rows.length, columns], 1);
        const attributes = { rows: Int32Array.from(rows), count };
        const kernel = (x: tf.Tensor) =>
          tf.engine().runKernel("OpdTakeRowsGradient", [x] as unknown as tf.NamedTensorMap, attributes as never);
        return [kernel(dy) as tf.Tensor];
      }),
    );

  it("adds up rows that repeat and leaves zeros at rows that are not taken", async () => {
    const [sums] = await onWebgpu(() => gradient([2, 0, 2, 2], 4, 3));
    const dy = tensor([4, 3], 1);
    const at = await dy.data();
    dy.dispose();
    const sum = (column: number) => at[column]! + at[6 + column]! + at[9 + column]!;
    const expected = [at[3], at[4], at[5], 0, 0, 0, sum(0), sum(1), sum(2), 0, 0, 0];
    expectClose([sums!], [Float32Array.from(expected as number[])]);
  });

  it("is that of cpu's segment sum, the same bits twice", async () => {
    const rows = Array.from({ length: 200 }, (_, i) => (i * i) % 65);
    const fused = await onWebgpu(() => gradient(rows, 65, 24));
    expect(await onWebgpu(() => gradient(rows, 65, 24))).toEqual(fused);
    await tf.setBackend("cpu");
    const composed = tf.tidy(() =>
      tf.grad((table) => tf.sum(tf.mul(takeRows(table, Int32Array.from(rows)), tensor([200, 24], 1))))(
        tf.zeros([65, 24]),
      ),
    );
    expectClose(fused, await take([composed]));
  });
});
