/**
 * Speed of the wasm backend's kernels: tfjs's own, ours in JavaScript, ours compiled. The table goes to stderr, JSON to stdout.
 * Run it with `node scripts/run.mjs bench/wasm-matmul.ts`.
 */
import { type BackendReport, openWasmBackend } from "@imagine-opd/backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

interface Case {
  readonly name: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const cases: readonly Case[] = [
  { name: "nn 512", a: [512, 512], b: [512, 512] },
  { name: "nt 512", a: [512, 512], b: [512, 512], transposeB: true },
  { name: "tn 512", a: [512, 512], b: [512, 512], transposeA: true },
  { name: "tt 512", a: [512, 512], b: [512, 512], transposeA: true, transposeB: true },
  { name: "linear, 1536 tokens", a: [1536, 128], b: [384, 128], transposeB: true },
  { name: "its gradient to the input", a: [1536, 384], b: [384, 128] },
  { name: "its gradient to the weight", a: [1536, 384], b: [1536, 128], transposeA: true },
  { name: "batch times one matrix", a: [8, 192, 128], b: [1, 128, 384] },
  { name: "attention scores", a: [32, 192, 32], b: [32, 192, 32], transposeB: true },
  { name: "attention output", a: [32, 192, 192], b: [32, 192, 32] },
  { name: "its gradient to the values", a: [32, 192, 192], b: [32, 192, 32], transposeA: true },
  { name: "one decoded token", a: [1, 576], b: [1536, 576], transposeB: true },
  { name: "16 decoded tokens", a: [16, 576], b: [1536, 576], transposeB: true },
  { name: "head, 64 tokens", a: [64, 128], b: [8192, 128], transposeB: true },
];

const forms = ["stock", "javascript", "fast"] as const;
type Form = (typeof forms)[number];

/** Shortest time of one run, in milliseconds: several rounds, each long enough for the clock. */
function time(run: () => tf.Tensor, { rounds = 7, roundMs = 30 } = {}): number {
  const once = (): void => run().dispose();
  once();
  let shortest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    let count = 0;
    do {
      once();
      count++;
    } while (performance.now() - start < roundMs);
    shortest = Math.min(shortest, (performance.now() - start) / count);
  }
  return shortest;
}

const random = (shape: readonly number[]): tf.Tensor => tf.randomUniform([...shape], -1, 1, "float32", 1);

/** Milliseconds of every case under the kernels that are installed now. */
function measure(): Record<string, { ms: number; gflops?: number }> {
  const result: Record<string, { ms: number; gflops?: number }> = {};
  for (const { name, a, b, transposeA = false, transposeB = false } of cases) {
    const [left, right] = [random(a), random(b)];
    const ms = time(() => tf.matMul(left, right, transposeA, transposeB));
    const inner = a[a.length - (transposeA ? 2 : 1)]!;
    const product = tf.matMul(left, right, transposeA, transposeB);
    result[name] = { ms, gflops: (2 * product.size * inner) / ms / 1e6 };
    tf.dispose([left, right, product]);
  }
  const causal = tf.linalg.bandPart(tf.ones([192, 192]), -1, 0);
  const scores = tf.tidy(() => tf.add(random([32, 192, 192]), tf.mul(tf.sub(1, causal), -1e9)));
  result["softmax, causal [32,192,192]"] = { ms: time(() => tf.softmax(scores)) };
  const ids = tf.tensor1d(
    Int32Array.from({ length: 512 }, (_, i) => (i * 7919) % 8192),
    "int32",
  );
  const [table, rows] = [random([8192, 64]), random([512, 64])];
  result["gather, 512 of 8192 x 64"] = { ms: time(() => tf.gather(table, ids)) };
  result["its gradient"] = { ms: time(() => tf.unsortedSegmentSum(rows, ids, 8192)) };
  tf.dispose([causal, scores, ids, table, rows]);
  return result;
}

async function main(): Promise<void> {
  const results: Partial<Record<Form, { report: BackendReport; cases: ReturnType<typeof measure> }>> = {};
  for (const kernels of forms) results[kernels] = { report: await openWasmBackend({ kernels }), cases: measure() };
  const names = Object.keys(results.stock!.cases);
  const cell = (form: Form, name: string): string => {
    const { ms, gflops } = results[form]!.cases[name]!;
    return `${ms.toFixed(3)} ms${gflops === undefined ? "" : ` (${gflops.toFixed(1)})`}`.padStart(20);
  };
  const ratio = (form: Form, name: string): string =>
    `${(results.stock!.cases[name]!.ms / results[form]!.cases[name]!.ms).toFixed(1)}x`.padStart(8);
  console.error(`${"ms (GFLOP/s)".padEnd(34)}${forms.map((form) => form.padStart(20)).join("")}   js gain fast gain`);
  for (const name of names) {
    const gains = `${ratio("javascript", name)}  ${ratio("fast", name)}`;
    console.error(`${name.padEnd(34)}${forms.map((form) => cell(form, name)).join("")}  ${gains}`);
  }
  console.log(JSON.stringify({ node: process.version, results }, null, 2));
}

await main();
