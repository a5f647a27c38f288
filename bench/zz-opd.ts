import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { createAdamW } from "@imagine-opd/optim";
import { createTeacher } from "@imagine-opd/privileged-teacher";
import { getPreset, trainStep } from "@imagine-opd/trainer";
import * as tf from "@tensorflow/tfjs-core";
import { sceneExamples, withTinyModel } from "./tiny-batch.ts";

await openWasmBackend();
await withTinyModel({ kind: "full", vision: "trainable" }, async ({ policy, processor }) => {
  const { settings: preset, teacher: kind } = getPreset("imagine-opd");
  const examples = sceneExamples(32, processor.imageSettings.tileSize);
  const settings = { ...preset, sampling: { ...preset.sampling, maxTokens: 23 }, microBatchSize: 32, seed: 0 };
  const teacher = createTeacher(policy, kind);
  const optimizer = createAdamW(policy.trainable, { weightDecay: 0.01 });
  const endless = { ...processor, stopTokenIds: [] };
  const step = (n: number) =>
    trainStep({ policy, processor: endless, teacher, optimizer }, examples, settings, { step: n });
  await step(1);
  const be = tf.backend() as any;
  const times = new Map<string, [number, number]>();
  const wrap = (c: tf.KernelConfig) => {
    const f = c.kernelFunc;
    tf.unregisterKernel(c.kernelName, "wasm");
    tf.registerKernel({
      ...c,
      kernelFunc: (a) => {
        const t = performance.now();
        const r = f(a);
        const e = times.get(c.kernelName) ?? [0, 0];
        e[0] += performance.now() - t;
        e[1]++;
        times.set(c.kernelName, e);
        return r;
      },
    });
  };
  for (const c of tf.getKernelsForBackend("wasm")) wrap(c);
  const t0 = performance.now();
  const r = await step(2);
  const total = performance.now() - t0;
  console.log("total", total.toFixed(0), JSON.stringify(r.metrics.system));
  let s = 0;
  for (const [k, [t, n]] of [...times].sort((a, b) => b[1][0] - a[1][0]).slice(0, 28)) {
    s += t;
    console.log(t.toFixed(1).padStart(8), String(n).padStart(5), ((1000 * t) / n).toFixed(0).padStart(7) + "us", k);
  }
  console.log("sum (incl. nested composed)", s.toFixed(0));
});
