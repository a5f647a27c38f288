import * as tf from "@tensorflow/tfjs-core";
import { withTapeSetAside } from "../tape.ts";
import type { ProbeCase, ProbeRow, ProbeStatus } from "./probe-case.ts";
import { type Numbers, type ProbeInput, waves } from "./reference/numbers.ts";

interface Outcome {
  readonly status: ProbeStatus;
  readonly error: number;
  readonly problem?: string;
}

/** Makes tensors in a tidy and reads them; what is not a tensor is left out. */
async function readTensors(make: () => (tf.Tensor | undefined)[]): Promise<(ArrayLike<number> | undefined)[]> {
  const tensors = tf.tidy(() => make() as tf.Tensor[]) as (tf.Tensor | undefined)[];
  try {
    const numbers: (ArrayLike<number> | undefined)[] = [];
    for (const tensor of tensors) numbers.push(await tensor?.data());
    return numbers;
  } finally {
    tf.dispose(tensors.filter((tensor) => tensor !== undefined));
  }
}

const upload = ({ values, shape }: ProbeInput): tf.Tensor => tf.tensor(Float32Array.from(values), [...shape]);

function compare(
  what: string,
  got: ArrayLike<number> | undefined,
  want: ArrayLike<number>,
  tolerance: number,
): Outcome {
  if (got === undefined) return { status: "missing", error: Number.POSITIVE_INFINITY, problem: `no ${what} arrives` };
  if (got.length !== want.length) {
    const problem = `${what} has ${got.length} numbers instead of ${want.length}`;
    return { status: "wrong", error: Number.POSITIVE_INFINITY, problem };
  }
  const expected = Array.from(want);
  const size = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  const errors = expected.map((value, i) => {
    const error = Math.abs(got[i]! - value) / size;
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  });
  const error = errors.reduce((a, b) => Math.max(a, b), 0);
  if (error <= tolerance) return { status: "ok", error };
  const at = errors.indexOf(error);
  return { status: "wrong", error, problem: `${what} is ${got[at]} at ${at} instead of ${expected[at]}` };
}

function describeFailure(error: unknown): Outcome {
  const problem = error instanceof Error ? error.message : String(error);
  const missing = /not registered for backend|gradient function not found/i.test(problem);
  return { status: missing ? "missing" : "error", error: Number.POSITIVE_INFINITY, problem };
}

async function checkForward({ inputs, run }: ProbeCase, expected: ArrayLike<number>, tolerance: number) {
  try {
    const [got] = await readTensors(() => [run(...inputs.map(upload))]);
    return compare("the value", got, expected, tolerance);
  } catch (error) {
    return describeFailure(error);
  }
}

const step = 1e-4;

/** Central differences of `Σ reference · dy` in float64: exact to about 1e-8. */
function differentiate({ inputs, reference }: ProbeCase, dy: Numbers): Numbers[] {
  const values = inputs.map((each) => each.values.slice());
  const weighted = () => Array.from(reference(...values)).reduce((total, value, i) => total + value * dy[i]!, 0);
  return values.map((numbers) =>
    Float64Array.from(numbers, (value, i) => {
      numbers[i] = value + step;
      const up = weighted();
      numbers[i] = value - step;
      const down = weighted();
      numbers[i] = value;
      return (up - down) / (2 * step);
    }),
  );
}

async function checkGradient(
  { inputs, run }: ProbeCase,
  dy: Numbers,
  expected: readonly Numbers[],
  tolerance: number,
): Promise<Outcome> {
  try {
    const got = await readTensors(() =>
      withTapeSetAside(() => {
        const x = inputs.map(upload);
        const shape = run(...x).shape;
        const upstream = tf.tensor(Float32Array.from(dy), shape);
        return tf.engine().gradients(() => run(...x), x, upstream, true).grads;
      }),
    );
    const outcomes = expected.map((each, i) => compare(`the gradient of input ${i}`, got[i], each, tolerance));
    return outcomes.reduce((worst, outcome) => (outcome.error > worst.error ? outcome : worst));
  } catch (error) {
    return describeFailure(error);
  }
}

/** Runs one case forward and backward. It throws nothing and leaves nothing behind. */
export async function checkCase(probeCase: ProbeCase, tolerance: number): Promise<ProbeRow> {
  const { op, inputs, reference, gradient } = probeCase;
  const expected = reference(...inputs.map(({ values }) => values));
  const dy = waves([expected.length], 4).values;
  const expectedGradients = gradient === "needed" ? differentiate(probeCase, dy) : undefined;
  const started = performance.now();
  const forward = await checkForward(probeCase, expected, tolerance);
  const backward =
    expectedGradients !== undefined && forward.status === "ok"
      ? await checkGradient(probeCase, dy, expectedGradients, tolerance)
      : undefined;
  const problem = forward.problem ?? backward?.problem;
  return {
    op,
    forward: forward.status,
    gradient: backward?.status ?? (gradient === "needed" ? "not run" : gradient),
    worstError: Math.max(forward.error, backward?.error ?? 0),
    milliseconds: performance.now() - started,
    ...(problem !== undefined && { problem }),
  };
}
