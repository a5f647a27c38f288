import { divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { type FileSource, type Message, type RgbImage, readJson } from "@imagine-opd/protocol";
import { openSafetensors, type TensorFile, toFloat32 } from "@imagine-opd/safetensors";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";

/** One comparison with a number, a vector or a tensor that transformers computed. */
export interface GoldenRow {
  readonly what: string;
  /** Largest absolute difference of logits, log-probs and losses; ‖difference‖ / ‖expected‖ of gradients. */
  readonly error: number;
  readonly passed: boolean;
}

export interface GoldenReport {
  /** What computed the expected numbers. */
  readonly reference: string;
  readonly rows: readonly GoldenRow[];
  readonly worstError: number;
  readonly tolerance: number;
}

interface Context {
  readonly messages: readonly {
    readonly role: Message["role"];
    readonly content: readonly { readonly type: "text" | "image"; readonly text?: string }[];
  }[];
  readonly images: readonly string[];
}

interface Expected {
  readonly transformers: string;
  readonly torch: string;
  readonly contexts: Readonly<Record<"student" | "teacher", Context>>;
  readonly response_ids: readonly number[];
  readonly student_logprobs: readonly number[];
  readonly teacher_logprobs: readonly number[];
  readonly mean: { readonly jsd: number };
  readonly grad_norms: Readonly<Record<string, number>>;
}

/** Norms below this are sums that cancel; their absolute difference is compared, a hundredth as tolerant. */
const smallNorm = 1e-4;

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = difference; // NaN must show
  }
  return largest;
}

/** The conversation with its pictures put in, in order. */
async function fillContext({ messages, images }: Context, tensors: TensorFile): Promise<Message[]> {
  const pictures = await Promise.all(
    images.map(async (name): Promise<RgbImage> => {
      const { shape, data } = await tensors.read(`image/${name}`);
      return { width: shape[1]!, height: shape[0]!, data };
    }),
  );
  let next = 0;
  return messages.map(({ role, content }) => ({
    role,
    content: content.map(({ type, text }) =>
      type === "image" ? { type, image: pictures[next++]! } : { type, text: text! },
    ),
  }));
}

/** Log-probs of `ids` one after the other through the cache. */
async function decodeThrough(
  { policy, processor }: VisionLanguageModel,
  messages: readonly Message[],
  ids: readonly number[],
): Promise<number[]> {
  const session = policy.startDecoding([processor.encode(messages)]);
  const logProbs: number[] = [];
  try {
    for (const [i, id] of ids.entries()) {
      const logits = session.next(i === 0 ? undefined : Int32Array.of(ids[i - 1]!));
      const values = await logits.data<"float32">();
      logits.dispose();
      logProbs.push(values[id]! - Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0)));
    }
  } finally {
    session.dispose();
  }
  return logProbs;
}

/** Loss and gradients of the mean Jensen–Shannon divergence between the answer's distributions in both contexts. */
async function differentiate(
  { policy: { head, trainable } }: VisionLanguageModel,
  studentStates: () => tf.Tensor2D,
  teacherStates: tf.Tensor2D,
  tokens: Int32Array,
): Promise<{ readonly loss: number; readonly gradients: ReadonlyMap<string, Float32Array> }> {
  let result: ReturnType<typeof divergenceThroughHead> | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const teacher = { states: teacherStates, weights: { kind: "student" } as const };
    const options = { head, trainable, divergence: { kind: "jsd", beta: 0.5 }, tokens, teacher } as const;
    result = divergenceThroughHead(studentStates(), options);
    return result.loss;
  }, Object.values(trainable));
  try {
    const gradients = new Map<string, Float32Array>();
    for (const [name, variable] of Object.entries(trainable)) {
      gradients.set(name, (await grads[variable.name]!.data<"float32">()).slice());
    }
    return { loss: (await value.data<"float32">())[0]!, gradients };
  } finally {
    result?.dispose();
    tf.dispose([value, ...Object.values(grads)]);
  }
}

/**
 * Runs a whole SmolVLM of 86 000 weights (vision tower, decoder, head) forward, backward and through its cache on the backend
 * that is set, and compares with what transformers and PyTorch computed in float32 from the same checkpoint.
 * @param files checkpoint, pictures and expectations, as the package carries them
 * @param tolerance largest error of a row
 */
export async function compareGoldens(files: FileSource, tolerance: number): Promise<GoldenReport> {
  const expected = (await readJson(files, "expected.json")) as unknown as Expected;
  const tensors = await openSafetensors(files, "expected.safetensors");
  const read = async (name: string) => toFloat32(await tensors.read(name));
  const rows: GoldenRow[] = [];
  const add = (what: string, error: number, limit = tolerance) =>
    void rows.push({ what, error, passed: error <= limit });
  const model = await openModel(files, { trainable: { kind: "full", vision: "trainable" } });
  const completion = Int32Array.from(expected.response_ids);
  const owned: tf.Tensor[] = [];
  try {
    const states: Record<string, () => tf.Tensor2D> = {};
    for (const name of ["student", "teacher"] as const) {
      const messages = await fillContext(expected.contexts[name], tensors);
      const prompt = model.processor.encode(messages);
      states[name] = () => model.policy.completionStates([{ prompt, completion }]);
      const logits = tf.tidy(() => model.policy.head.logits(states[name]!()));
      owned.push(logits);
      add(`logits of the answer, ${name}`, largestDifference(await logits.data(), await read(`${name}_logits`)));
      const logProbs = await decodeThrough(model, messages, expected.response_ids);
      add(
        `log-probs of the answer through the cache, ${name}`,
        largestDifference(logProbs, expected[`${name}_logprobs`]),
      );
    }
    const teacherStates = states.teacher!();
    owned.push(teacherStates);
    const { loss, gradients } = await differentiate(model, states.student!, teacherStates, completion);
    add("Jensen–Shannon divergence", Math.abs(loss - expected.mean.jsd));
    const stored = [...tensors.tensors.keys()].filter((name) => name.startsWith("grad/"));
    for (const name of stored) {
      const [got, wanted] = [gradients.get(name.slice("grad/".length)) ?? [], await read(name)];
      const difference = norm(Array.from(wanted, (value, i) => value - (got[i] ?? Number.NaN)));
      add(`gradient of ${name.slice("grad/".length)}`, difference / norm(wanted));
    }
    for (const [name, wanted] of Object.entries(expected.grad_norms)) {
      const difference = Math.abs(norm(gradients.get(name) ?? [Number.NaN]) - wanted);
      if (wanted < smallNorm) add(`gradient norm of ${name} (absolute)`, difference, tolerance / 100);
      else add(`gradient norm of ${name}`, difference / wanted);
    }
  } finally {
    tf.dispose(owned);
    model.dispose();
  }
  return {
    reference: `transformers ${expected.transformers}, PyTorch ${expected.torch}`,
    rows,
    worstError: Math.max(...rows.map(({ error }) => error)),
    tolerance,
  };
}
