import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { promisify } from "node:util";
import { type ProbeRow, probe, probePassed } from "@imagine-opd/tensor-ops/probe";
import * as tf from "@tensorflow/tfjs-core";
import type { BackendReport } from "../backend-report.ts";
import { type NodeBackendOptions, openNodeBackend } from "../open-node-backend.ts";
import { compareGoldens, type GoldenRow } from "./compare-goldens.ts";
import { expectedLosses } from "./expected-losses.ts";
import { openGoldens } from "./golden-files.ts";
import { trainTinyTransformer } from "./tiny-transformer.ts";

/**
 * How far off an operation (relative), a whole model's numbers (see GoldenRow) and a loss over 20 steps (nats) may be; TF32
 * rounds a thousand times more coarsely.
 */
const tolerances = {
  float32: { operations: 1e-4, goldens: 1e-4, loss: 3e-5 },
  tf32: { operations: 1e-2, goldens: 2e-2, loss: 2e-2 },
} as const;

/** What `verify` found out, to be kept or sent. */
export interface VerificationReport {
  readonly format: 1;
  readonly passed: boolean;
  /** ISO 8601. */
  readonly date: string;
  readonly backend: BackendReport;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  /** Cards as nvidia-smi names them, with driver and memory; empty on a CPU. */
  readonly cards: readonly string[];
  /** Every operation that training needs, forward and backward, against float64. */
  readonly operations: {
    readonly checked: number;
    readonly failed: readonly ProbeRow[];
    /** Largest relative difference. */
    readonly worstError: number;
    readonly tolerance: number;
  };
  /** A whole model, forward, backward and through its cache, against transformers. */
  readonly goldens: {
    /** What computed the expected numbers. */
    readonly reference: string;
    readonly checked: number;
    readonly failed: readonly GoldenRow[];
    readonly worstError: number;
    readonly tolerance: number;
  };
  readonly training: {
    readonly losses: readonly number[];
    readonly expected: readonly number[];
    /** Largest absolute difference between the two, nats. */
    readonly difference: number;
    readonly tolerance: number;
    readonly millisecondsPerStep: number;
  };
  /** A product of two 2048 × 2048 matrices, billions of operations a second. */
  readonly matmulGflops: number;
}

/**
 * Opens the backend, which tests its kernels; probes every operation; compares a whole model with what transformers
 * computed; trains a tiny transformer for 20 steps and compares its losses with stored ones.
 * @throws what openNodeBackend throws; a wrong operation, logit, gradient or loss is reported, not thrown
 */
export async function verifyBackend(options: NodeBackendOptions): Promise<VerificationReport> {
  const backend = await openNodeBackend(options);
  const limit = tolerances[backend.products];
  const rows = await probe({ tolerance: limit.operations });
  const goldens = await compareGoldens(openGoldens(), limit.goldens);
  const wrongGoldens = goldens.rows.filter(({ passed }) => !passed);
  const { losses, milliseconds } = await trainTinyTransformer(expectedLosses.length);
  const difference = Math.max(...losses.map((loss, i) => Math.abs(loss - expectedLosses[i]!)));
  return {
    format: 1,
    passed: probePassed(rows) && wrongGoldens.length === 0 && difference <= limit.loss,
    date: new Date().toISOString(),
    backend,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
    cards: backend.device === "cuda" ? await listCards() : [],
    operations: {
      checked: rows.length,
      failed: rows.filter((row) => !probePassed([row])),
      worstError: Math.max(...rows.map(({ worstError }) => worstError)),
      tolerance: limit.operations,
    },
    goldens: {
      reference: goldens.reference,
      checked: goldens.rows.length,
      failed: wrongGoldens,
      worstError: goldens.worstError,
      tolerance: limit.goldens,
    },
    training: {
      losses,
      expected: expectedLosses,
      difference,
      tolerance: limit.loss,
      millisecondsPerStep: milliseconds,
    },
    matmulGflops: await measureMatmul(),
  };
}

async function listCards(): Promise<readonly string[]> {
  const query = ["--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader"];
  const { stdout } = await promisify(execFile)("nvidia-smi", query);
  return stdout.trim().split("\n");
}

async function measureMatmul(size = 2048, rounds = 5): Promise<number> {
  const a = tf.randomUniform([size, size], -1, 1, "float32", 1);
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    // One number is read back, so that a device has finished and little is copied.
    const corner = tf.tidy(() => tf.slice(tf.matMul(a, a), [0, 0], [1, 1]));
    await corner.data();
    corner.dispose();
    fastest = Math.min(fastest, performance.now() - started);
  }
  a.dispose();
  return (2 * size ** 3) / fastest / 1e6;
}
