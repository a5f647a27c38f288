/**
 * The reverse KL through the language-model head, with gradients to the hidden states and the head: our loss in chunks of
 * rows against the same composed of tfjs operations on whole logits. Run it with
 * `node scripts/run.mjs bench/loss-through-head.ts [--backend NAME]`.
 */
import { spawnSync } from "node:child_process";
import { openBackend } from "@imagine-opd/command-line";
import { type DistillationResult, divergenceThroughHead } from "@imagine-opd/distillation-loss";
import type { Head } from "@imagine-opd/protocol/policy";
import { randomStream } from "@imagine-opd/random-streams";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { Option } from "commander";
import { type BenchCommandOptions, benchCommand, mebibytes, profile } from "./measure.ts";
import { printTable, shortestOf } from "./python-peer.ts";

const rows = 256;
const width = 576;
const vocabularies = [49_280, 151_936];
const forms = ["chunked", "composed"] as const;
type Form = (typeof forms)[number];

interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
  /** Size of the wasm memory afterwards, which never shrinks. */
  readonly heapBytes?: number;
  readonly loss: number;
  readonly stateGradientNorm: number;
  readonly headGradientNorm: number;
}
type Outcome = Measured | { readonly failed: string };

function normal(name: string, shape: [number, number], deviation: number): tf.Tensor2D {
  const stream = randomStream(0, "loss-through-head", name);
  return tf.tensor2d(
    Float32Array.from({ length: shape[0] * shape[1] }, () => deviation * stream.normal()),
    shape,
  );
}

/** A linear head over one trainable matrix. */
function linearHead(weight: tf.Variable<tf.Rank.R2>): Head {
  return {
    vocabSize: weight.shape[0],
    trainable: ["head"],
    logits: (states) => tf.matMul(states, weight, false, true),
    backward: (states, dLogits) => ({
      states: tf.matMul(dLogits, weight),
      trainable: { head: tf.matMul(dLogits, states, true) },
    }),
  };
}

function lossOf(form: Form, states: tf.Tensor2D, teacherStates: tf.Tensor2D, weight: tf.Variable<tf.Rank.R2>) {
  if (form === "chunked") {
    const result: DistillationResult = divergenceThroughHead(states, {
      head: linearHead(weight),
      trainable: { head: weight },
      divergence: { kind: "reverse-kl" },
      teacher: { states: teacherStates, weights: { kind: "student" } },
    });
    result.dispose();
    return result.loss;
  }
  const student = tf.logSoftmax(tf.matMul(states, weight, false, true));
  const divergences = tf.sum(tf.mul(tf.exp(student), tf.sub(student, teacherLogProbs!)), 1);
  return tf.mean(divergences) as tf.Scalar;
}

/** The composed form scores the teacher before, outside the tape. */
let teacherLogProbs: tf.Tensor2D | undefined;

async function measure(form: Form, vocabSize: number): Promise<Measured> {
  const states = tf.variable(normal("student", [rows, width], 1));
  const teacherStates = normal("teacher", [rows, width], 1);
  const weight = tf.variable(normal("head", [vocabSize, width], 0.02));
  const step = () => {
    const { value, grads } = tf.tidy(() => {
      teacherLogProbs =
        form === "composed" ? tf.tidy(() => tf.logSoftmax(tf.matMul(teacherStates, weight, false, true))) : undefined;
      return tf.variableGrads(() => lossOf(form, states, teacherStates, weight), [states, weight]) as never;
    }) as ReturnType<typeof tf.variableGrads>;
    return [value, grads[states.name]!, grads[weight.name]!] as const;
  };
  const first = step();
  const loss = (await first[0].data())[0]!;
  const norms = await Promise.all(first.slice(1).map((gradient) => tf.tidy(() => tf.norm(gradient)).data()));
  tf.dispose([...first]);
  const milliseconds = await shortestOf(2, async () => {
    const tensors = step();
    await tensors[0].data();
    tf.dispose([...tensors]);
  });
  const { peakBytes } = await profile(() => tf.dispose([...step()]));
  const { wasm } = tf.backend() as unknown as { wasm?: { HEAPU8: Uint8Array } };
  return {
    seconds: milliseconds / 1000,
    peakBytes,
    ...(wasm && { heapBytes: wasm.HEAPU8.byteLength }),
    loss,
    stateGradientNorm: norms[0]![0]!,
    headGradientNorm: norms[1]![0]!,
  };
}

/** In a process of its own: memory starts empty, and running out of it ends only that process. */
function measureApart(form: Form, vocabSize: number, backend: string): Outcome {
  const words = ["--backend", backend, "--only", form, "--vocabulary", String(vocabSize)];
  const { stdout, stderr, status } = spawnSync(process.execPath, [process.argv[1]!, ...words], { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
  const reason = stderr.split("\n").find((line) => /memory|alloc|Error|abort/i.test(line)) ?? `exit code ${status}`;
  return { failed: reason.trim() };
}

interface Options extends BenchCommandOptions {
  /** One case, for the process that this one starts. */
  readonly only?: Form;
  readonly vocabulary?: string;
}

const { backend, only, vocabulary } = benchCommand("loss-through-head")
  .addOption(new Option("--only <form>", "one form").choices(forms))
  .option("--vocabulary <n>", "and one size")
  .parse()
  .opts<Options>();
if (only !== undefined && vocabulary !== undefined) {
  await openBackend(backend);
  console.log(JSON.stringify(await measure(only, Number(vocabulary))));
} else {
  const results = vocabularies.map((vocabSize) => ({
    vocabSize,
    chunked: measureApart("chunked", vocabSize, backend),
    composed: measureApart("composed", vocabSize, backend),
  }));
  const cells = (outcome: Outcome): string[] =>
    "failed" in outcome
      ? ["-", "-", outcome.failed.slice(0, 60)]
      : [
          outcome.seconds.toFixed(2),
          mebibytes(outcome.peakBytes),
          `loss ${outcome.loss.toFixed(5)}, |dH| ${outcome.stateGradientNorm.toPrecision(5)}, |dW| ${outcome.headGradientNorm.toPrecision(5)}`,
        ];
  printTable(
    ["V", "form", "s", "peak MiB", "result"],
    results.flatMap(({ vocabSize, ...outcomes }) =>
      forms.map((form) => [String(vocabSize), form, ...cells(outcomes[form])]),
    ),
  );
  console.log(JSON.stringify({ bench: "loss-through-head", backend, rows, width, results }));
}
