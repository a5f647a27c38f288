import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import type { Rollout } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { expect, expectTypeOf, test } from "vitest";
import { sampleRollouts } from "./sample-rollouts.ts";
import type { SampledRollout, SamplingEvent } from "./sampled-rollout.ts";
import type { DecodingPolicy, SamplingOptions } from "./sampling-options.ts";
import { streamRollouts } from "./stream-rollouts.ts";

await tf.setBackend("cpu");

const policy = createToyPolicy({ vocabSize: 17, hidden: 6, contextLength: 40, seed: 1 });
const requests = [
  { recordId: "a", prompt: toyPrompt([1, 2, 3]) },
  { recordId: "b", prompt: toyPrompt([4, 5], [0.5, -0.1]) },
  { recordId: "c", prompt: toyPrompt([6, 7, 8, 9, 1]) },
  { recordId: "d", prompt: toyPrompt([2]) },
];
const options: SamplingOptions = { stopTokenIds: [0, 16], maxTokens: 12, seed: 7 };

/** Counts calls, and the rows that each one had. */
function observe(inner: Policy, trace: string[] = []): { policy: Policy; trace: string[]; open: () => number } {
  let open = 0;
  const observed: Policy = {
    ...inner,
    startDecoding(prompts, call) {
      const session = inner.startDecoding(prompts, call);
      trace.push(`start ${prompts.length}`);
      open += 1;
      return {
        next(ids) {
          trace.push(ids === undefined ? "first" : `next ${ids.length}`);
          return session.next(ids);
        },
        select(rows) {
          trace.push(`select ${rows.join()}`);
          session.select(rows);
        },
        append(added) {
          trace.push(`append ${added.length}`);
          return session.append(added);
        },
        get lengths() {
          return session.lengths;
        },
        dispose() {
          open -= 1;
          session.dispose();
        },
      };
    },
  };
  return { policy: observed, trace, open: () => open };
}

const summary = ({ recordId, rolloutIndex, completion, logProbs, stopReason }: SampledRollout) =>
  JSON.stringify([recordId, rolloutIndex, [...completion], [...logProbs], stopReason]);

async function collect(stream: AsyncIterable<SamplingEvent>): Promise<SamplingEvent[]> {
  const events: SamplingEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

test("equal seeds give equal tokens whatever the batch size, the refill and the order of the requests", async () => {
  const everything = await sampleRollouts(policy, requests, { ...options, rolloutsPerPrompt: 3 });
  expect(new Set(everything.map(({ completion }) => completion.length)).size).toBeGreaterThan(2);
  for (const batchSize of [1, 3, 8]) {
    const batched = await sampleRollouts(policy, requests, { ...options, rolloutsPerPrompt: 3, batchSize });
    expect(batched.map(summary)).toEqual(everything.map(summary));
  }
  const reversed = await sampleRollouts(policy, [...requests].reverse(), { ...options, rolloutsPerPrompt: 3 });
  expect(reversed.map(summary).sort()).toEqual(everything.map(summary).sort());
  const alone = await sampleRollouts(policy, [requests[2]!], options);
  expect(summary(alone[0]!)).toBe(summary(everything[6]!));
});

test("the seed, the step and the rollout index each give other tokens", async () => {
  const draw = async (changed: Partial<SamplingOptions>) =>
    (await sampleRollouts(policy, requests, { ...options, stopTokenIds: [], ...changed })).map((rollout) =>
      rollout.completion.join(),
    );
  const first = await draw({});
  expect(new Set(await draw({ rolloutsPerPrompt: 3 })).size).toBe(12);
  expect(await draw({ step: 0 })).toEqual(first);
  for (const other of [await draw({ seed: 8 }), await draw({ step: 1 })]) {
    expect(other.some((completion) => first.includes(completion))).toBe(false);
  }
});

test("rollouts of one prompt share a prefill, rows that end leave, and waiting rollouts take their places", async () => {
  const { policy: observed, trace } = observe(policy);
  // Greedy and without stops, so that every rollout has exactly `maxTokens` tokens.
  const lockstep = { ...options, temperature: 0, stopTokenIds: [], maxTokens: 2 };
  await sampleRollouts(observed, requests.slice(0, 2), { ...lockstep, rolloutsPerPrompt: 2 });
  expect(trace.splice(0)).toEqual(["start 2", "first", "select 0,0,1,1", "next 4"]);
  await sampleRollouts(observed, requests.slice(0, 3), { ...lockstep, batchSize: 2 });
  expect(trace.splice(0)).toEqual(["start 2", "first", "next 2", "start 1", "first", "next 1"]);

  // Also when the batch has not room for all: both rollouts of a prompt enter together, and no prompt is prefilled twice.
  await sampleRollouts(observed, requests.slice(0, 3), { ...lockstep, rolloutsPerPrompt: 2, batchSize: 3 });
  const pair = ["start 1", "first", "select 0,0", "next 2"];
  expect(trace.splice(0)).toEqual([...pair, ...pair, ...pair]);
  // More rollouts than rows: as many prefills as batches.
  await sampleRollouts(observed, requests.slice(0, 1), { ...lockstep, rolloutsPerPrompt: 5, batchSize: 2 });
  expect(trace.splice(0)).toEqual([...pair, ...pair, "start 1", "first", "next 1"]);

  // Record a ends at its first token, so that c takes its place after the first step.
  const [ended] = await sampleRollouts(policy, [requests[0]!], lockstep);
  await sampleRollouts(observed, [requests[3]!, requests[0]!, requests[2]!], {
    ...lockstep,
    stopTokenIds: [ended!.completion[0]!],
    maxTokens: 3,
    batchSize: 2,
  });
  expect(trace).toEqual(["start 2", "first", "select 0", "next 1", "append 1", "next 2", "select 1", "next 1"]);
});

test("the stream tells of every token, and the rollouts are what the batch function gives", async () => {
  const settings = { ...options, rolloutsPerPrompt: 2, batchSize: 3, bannedTokenIds: [5], topP: 0.8 };
  const events = await collect(streamRollouts(policy, requests, settings));
  const rollouts = await sampleRollouts(policy, requests, settings);
  expect(rollouts.map(({ recordId, rolloutIndex }) => `${recordId}${rolloutIndex}`)).toEqual([
    "a0",
    "a1",
    "b0",
    "b1",
    "c0",
    "c1",
    "d0",
    "d1",
  ]);
  const streamed = events.flatMap((event) => (event.type === "rollout-finished" ? [event.rollout] : []));
  expect(streamed.map(summary).sort()).toEqual(rollouts.map(summary).sort());
  for (const rollout of rollouts) {
    const tokens = events.flatMap((event) =>
      event.type === "token-sampled" &&
      event.recordId === rollout.recordId &&
      event.rolloutIndex === rollout.rolloutIndex
        ? [event]
        : [],
    );
    expect(tokens.map(({ position }) => position)).toEqual([...rollout.completion.keys()]);
    expect(tokens.map(({ tokenId }) => tokenId)).toEqual([...rollout.completion]);
    for (const [name, values] of [
      ["logProb", rollout.logProbs],
      ["processedLogProb", rollout.processedLogProbs],
      ["keptMass", rollout.keptMass],
      ["entropy", rollout.entropy],
      ["rank", rollout.ranks],
    ] as const) {
      expect([...Float32Array.from(tokens, (token) => token[name])]).toEqual([...values]);
    }
    expect(rollout.completion.includes(5)).toBe(false);
    for (const { keptMass, processedLogProb, logProb } of tokens) {
      expect(keptMass).toBeLessThan(1);
      expect(processedLogProb - logProb).toBeCloseTo(-Math.log(keptMass), 12);
    }
  }
});

test("a completion holds its stop token and ends there, or at the length", async () => {
  const rollouts = await sampleRollouts(policy, requests, { ...options, rolloutsPerPrompt: 8 });
  expect(new Set(rollouts.map(({ stopReason }) => stopReason))).toEqual(new Set(["stop", "length"]));
  for (const { completion, stopReason, seed } of rollouts) {
    const stopAt = completion.findIndex((id) => options.stopTokenIds.includes(id));
    expect(seed).toBe(7);
    if (stopReason === "stop") expect(stopAt).toBe(completion.length - 1);
    else expect([stopAt, completion.length]).toEqual([-1, 12]);
  }
});

test("no completion is shorter than minTokens, stop token not counted; the shorter ones were there without it", async () => {
  const shortest = async (minTokens: number) => {
    const rollouts = await sampleRollouts(policy, requests, { ...options, rolloutsPerPrompt: 8, minTokens });
    return Math.min(
      ...rollouts.map(({ completion, stopReason }) => completion.length - (stopReason === "stop" ? 1 : 0)),
    );
  };
  expect(await shortest(0)).toBe(0);
  expect(await shortest(5)).toBeGreaterThanOrEqual(5);
  const decode = (ids: Int32Array): string => "x".repeat(ids.length);
  const early = { ...options, stopTokenIds: [], stopStrings: ["xx"], decode, minTokens: 4 };
  const [rollout] = await sampleRollouts(policy, requests, early);
  expect([rollout!.completion.length, rollout!.stopReason]).toEqual([4, "stop"]);
});

test("penalties see prompt and completion: a strong one never repeats while other tokens are left", async () => {
  const strong = { ...options, stopTokenIds: [], temperature: 0, presencePenalty: 1e4 };
  for (const { completion } of await sampleRollouts(policy, requests, strong)) {
    expect(new Set(completion).size).toBe(completion.length);
  }
});

test("a stop string ends a completion across token borders; the token that completes it is the last", async () => {
  const decode = (ids: Int32Array): string => Array.from(ids, (id) => `<${id.toString(36)}>`).join("");
  const free = await sampleRollouts(policy, requests, { ...options, stopTokenIds: [] });
  const text = decode(free[1]!.completion);
  const stop = text.slice(text.indexOf(">", 7), text.indexOf(">", 7) + 3); // ">", "<" and an id: spans two tokens
  const stopped = await sampleRollouts(policy, requests, {
    ...options,
    stopTokenIds: [],
    stopStrings: ["none", stop],
    decode,
  });
  const shortened = decode(stopped[1]!.completion);
  expect(stopped[1]!.stopReason).toBe("stop");
  expect(shortened.length).toBeLessThan(text.length);
  expect(text.startsWith(shortened)).toBe(true);
  expect(shortened.includes(stop)).toBe(true);
  expect(decode(stopped[1]!.completion.subarray(0, -1)).includes(stop)).toBe(false);
});

test.each([0.6, 1, 1.5])("raw log-probs are those of the scorer at temperature %d", async (temperature) => {
  const rollouts = await sampleRollouts(policy, requests, {
    ...options,
    temperature,
    topK: 5,
    bannedTokenIds: [3],
    rolloutsPerPrompt: 2,
    batchSize: 3,
  });
  const scored = tf.tidy(() => {
    const states = policy.completionStates(rollouts);
    return tf.logSoftmax(tf.div(policy.head.logits(states), temperature)).arraySync() as number[][];
  });
  const ids = rollouts.flatMap(({ completion }) => [...completion]);
  const logProbs = rollouts.flatMap((rollout) => [...rollout.logProbs]);
  expect(logProbs.length).toBeGreaterThan(40);
  logProbs.forEach((logProb, i) => {
    expect(Math.abs(logProb - scored[i]![ids[i]!]!)).toBeLessThan(1e-5);
  });
});

test("first tokens of many rollouts have the policy's own frequencies", async () => {
  const draws = 6000;
  const rollouts = await sampleRollouts(policy, [requests[1]!], { ...options, maxTokens: 1, rolloutsPerPrompt: draws });
  const exact = tf.tidy(() => {
    const states = policy.completionStates([{ prompt: requests[1]!.prompt, completion: Int32Array.of(0) }]);
    return tf.softmax(policy.head.logits(states)).dataSync();
  });
  const counts = new Array<number>(17).fill(0);
  for (const { completion } of rollouts) counts[completion[0]!]! += 1;
  const chiSquare = counts.reduce(
    (sum, count, id) => sum + (count - draws * exact[id]!) ** 2 / (draws * exact[id]!),
    0,
  );
  expect(chiSquare).toBeLessThan(39.252); // 0.999 quantile, 16 degrees of freedom
});

test("ids from tokenLimit on are never drawn, and weights and features reach the policy", async () => {
  const limited = await sampleRollouts(policy, requests, {
    ...options,
    stopTokenIds: [],
    tokenLimit: 4,
    rolloutsPerPrompt: 4,
  });
  expect(Math.max(...limited.flatMap(({ completion }) => [...completion]))).toBe(3);

  const other = createToyPolicy({ vocabSize: 17, hidden: 6, contextLength: 40, seed: 2 });
  const weights = { kind: "replaced", trainable: { ...other.trainable } } as const;
  const plain = [requests[0]!, requests[2]!];
  const replaced = await sampleRollouts(policy, plain, { ...options, weights });
  expect(replaced.map(summary)).toEqual((await sampleRollouts(other, plain, options)).map(summary));

  const bright = toyPrompt([4, 5], [3, 3]);
  const disguised = { ...bright, patches: [{ ...bright.patches[0]!, key: requests[1]!.prompt.patches[0]!.key }] };
  const features = policy.encodeImages(disguised.patches);
  const [seen] = await sampleRollouts(policy, [requests[1]!], { ...options, features });
  const [expected] = await sampleRollouts(policy, [{ recordId: "b", prompt: bright }], options);
  expect([...seen!.logProbs]).toEqual([...expected!.logProbs]);
  features.dispose();
});

test("no tensor and no session is left behind: at the end, after break, after an error, after an abort", async () => {
  const { policy: observed, open } = observe(policy);
  const before = tf.memory().numTensors;
  const expectClean = (): void => {
    expect(open()).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  };
  await sampleRollouts(observed, requests, { ...options, rolloutsPerPrompt: 2, batchSize: 3 });
  expectClean();

  for await (const event of streamRollouts(observed, requests, options)) {
    if (event.type === "token-sampled" && event.position === 1) break;
  }
  expectClean();

  const decode = (): string => {
    throw new Error("decode failed");
  };
  await expect(sampleRollouts(observed, requests, { ...options, stopStrings: ["x"], decode })).rejects.toThrow(
    "decode failed",
  );
  expectClean();

  const controller = new AbortController();
  const reasons: string[] = [];
  const drain = async (): Promise<void> => {
    const settings = { ...options, stopTokenIds: [], signal: controller.signal };
    for await (const event of streamRollouts(observed, requests, settings)) {
      if (event.type === "rollout-finished")
        reasons.push(`${event.rollout.stopReason} ${event.rollout.completion.length}`);
      else if (event.recordId === "d" && event.position === 2) controller.abort();
    }
  };
  await expect(drain()).rejects.toThrow("rollout-sampler.streamRollouts: stopped by the caller's AbortSignal.");
  expect(reasons).toEqual(["aborted 3", "aborted 3", "aborted 3", "aborted 3"]);
  expectClean();
  await expect(sampleRollouts(observed, requests, { ...options, signal: controller.signal })).rejects.toMatchObject({
    code: "aborted",
  });
  expectClean();
});

test("an abort from a timer gets through on a backend that computes synchronously", async () => {
  const long = createToyPolicy({ vocabSize: 17, contextLength: 1_000_001, seed: 1 });
  const settings = { stopTokenIds: [], maxTokens: 1_000_000, seed: 1, signal: AbortSignal.timeout(30) };
  await expect(sampleRollouts(long, [requests[3]!], settings)).rejects.toMatchObject({ code: "aborted" });
});

test("tokens on wasm are those on cpu", async () => {
  const draw = async () => {
    const own = createToyPolicy({ vocabSize: 17, hidden: 6, contextLength: 40, seed: 1 });
    const rollouts = await sampleRollouts(own, requests, { ...options, rolloutsPerPrompt: 2, batchSize: 3 });
    own.dispose();
    return rollouts.map(({ completion }) => [...completion]);
  };
  const onCpu = await draw();
  try {
    expect(await tf.setBackend("wasm")).toBe(true);
    expect(await draw()).toEqual(onCpu);
  } finally {
    await tf.setBackend("cpu");
  }
});

test("no requests give no rollouts, without a call of the policy", async () => {
  const { policy: observed, trace } = observe(policy);
  expect(await sampleRollouts(observed, [], options)).toEqual([]);
  expect(trace).toEqual([]);
});

test.each<[string, Partial<SamplingOptions>]>([
  ["`maxTokens` must be an integer ≥ 1, got 0.", { maxTokens: 0 }],
  ["`seed` must be an integer, got 0.5.", { seed: 0.5 }],
  ["`seed` is required.", { seed: undefined as unknown as number }],
  ["`step` must be an integer ≥ 0, got -1.", { step: -1 }],
  ["`rolloutsPerPrompt` must be an integer ≥ 1, got 0.", { rolloutsPerPrompt: 0 }],
  ["`temperature` must be a finite number ≥ 0, got -1.", { temperature: -1 }],
  ["`temperature` must be a finite number ≥ 0, got NaN.", { temperature: Number.NaN }],
  ["`topK` must be an integer ≥ 1, got 0.", { topK: 0 }],
  ["`topP` must be greater than 0 and at most 1, got 0.", { topP: 0 }],
  ["`minP` must be from 0 to 1, got 1.5.", { minP: 1.5 }],
  ["`typicalP` must be greater than 0 and at most 1, got 0.", { typicalP: 0 }],
  ["`repetitionPenalty` must be finite and above 0, got 0.", { repetitionPenalty: 0 }],
  ["`presencePenalty` must be a finite number, got Infinity.", { presencePenalty: Infinity }],
  ["`minTokens` must be an integer from 0 to `maxTokens` = 12, got 13.", { minTokens: 13 }],
  [
    "`minTokens` leaves no token to draw: every one that is not banned ends a completion.",
    { minTokens: 1, tokenLimit: 1 },
  ],
  ["`tokenLimit` must be an integer ≥ 1, got 0.", { tokenLimit: 0 }],
  ["`batchSize` must be an integer ≥ 1, got 0.", { batchSize: 0 }],
  ["`stopTokenIds` must hold ids from 0 to 16, got 17.", { stopTokenIds: [1, 17] }],
  ["`bannedTokenIds` must hold ids from 0 to 16, got -1.", { bannedTokenIds: [-1] }],
  ["`stopStrings` was given without `decode`. Pass the processor's `decode`.", { stopStrings: ["</answer>"] }],
  ["`stopStrings` must not hold an empty string.", { stopStrings: [""], decode: String }],
  [
    "`bannedTokenIds` and `tokenLimit` leave none of the 17 tokens to draw.",
    { bannedTokenIds: [0, 1, 2], tokenLimit: 3 },
  ],
  [
    "record `c` needs 5 prompt tokens + 36 `maxTokens` = 41, the policy's context holds 40. Shorten the prompt (fewer or smaller pictures) or lower `maxTokens`.",
    { maxTokens: 36 },
  ],
])("refused before anything runs: %s", async (message, changed) => {
  const { policy: observed, trace } = observe(policy);
  await expect(sampleRollouts(observed, requests, { ...options, ...changed })).rejects.toThrow(
    `rollout-sampler.streamRollouts: ${message}`,
  );
  expect(trace).toEqual([]);
});

test("records that occur twice and prompts without tokens are refused", async () => {
  await expect(sampleRollouts(policy, [requests[0]!, requests[0]!], options)).rejects.toThrow(
    "record `a` occurs twice, and both would draw the same tokens. Use `rolloutsPerPrompt`",
  );
  await expect(sampleRollouts(policy, [{ recordId: "e", prompt: toyPrompt([]) }], options)).rejects.toThrow(
    "the prompt of record `e` has no tokens.",
  );
});

test("logits that are not finite or have a wrong shape are refused, and nothing is left behind", async () => {
  const broken = createToyPolicy({ vocabSize: 17, hidden: 6, contextLength: 40, seed: 1 });
  const before = tf.memory().numTensors;
  const { policy: observed, open } = observe(broken);
  await expect(
    sampleRollouts({ ...observed, vocabSize: 16 }, requests, { ...options, stopTokenIds: [0] }),
  ).rejects.toThrow(
    "the decoding session must give logits of shape [4, 16] (rows, vocabSize), got [4, 17]. Correct the policy's `next`",
  );
  tf.tidy(() => broken.trainable.head!.assign(tf.fill([17, 6], Number.NaN)));
  await expect(sampleRollouts(observed, requests, options)).rejects.toThrow(
    "expected finite logits for token 0 of record `a` (rollout 0), got NaN.",
  );
  expect(open()).toBe(0);
  expect(tf.memory().numTensors).toBe(before);
});

test("types: a whole policy will do, and so will its decoding part; rollouts are those of the protocol", () => {
  expectTypeOf<Policy>().toExtend<DecodingPolicy>();
  expectTypeOf<SampledRollout>().toExtend<Rollout>();
  expectTypeOf<SampledRollout["ranks"]>().toEqualTypeOf<Int32Array>();
  // @ts-expect-error without a longest completion nothing runs
  const endless: SamplingOptions = { stopTokenIds: [], seed: 1 };
  expect(endless.seed).toBe(1);
});
