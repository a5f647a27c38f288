/**
 * Greedy decoding of the tiny model: tokens per second from pictures and prompts to the last token, against transformers'
 * `generate` on the same checkpoint and prompts. Run it with
 * `node scripts/run.mjs bench/decode.ts [--backend NAME] [--python PATH] [--json]`.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBackend } from "@imagine-opd/command-line";
import { rawMessages } from "@imagine-opd/imagination-prompts";
import type { EncodedPrompt } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import { sampleRollouts } from "@imagine-opd/rollout-sampler";
import { compareTimes, printTable, readBenchOptions, runPeer, shortestTimes, type Times } from "./python-peer.ts";
import { sceneExamples, withTinyModel, writePrompts } from "./tiny-batch.ts";

const newTokens = 64;
const batchSizes = [1, 8, 32];
const rounds = 5;

type Measured = Record<number, { readonly times: Times; readonly first: readonly number[] }>;

/** The most probable token of every row, on the host; never a placeholder of a picture. */
function argMaxRows(logits: Float32Array, rows: number, banned: readonly number[]): Int32Array {
  const width = logits.length / rows;
  return Int32Array.from({ length: rows }, (_, row) => {
    for (const id of banned) logits[row * width + id] = Number.NEGATIVE_INFINITY;
    let best = row * width;
    for (let at = best + 1; at < (row + 1) * width; at++) if (logits[at]! > logits[best]!) best = at;
    return best - row * width;
  });
}

/** Greedy ids of every row through a bare session. */
async function decodeGreedily(
  policy: Policy,
  prompts: readonly EncodedPrompt[],
  banned: readonly number[],
): Promise<number[][]> {
  const session = policy.startDecoding(prompts);
  const rows: number[][] = prompts.map(() => []);
  let ids: Int32Array | undefined;
  for (let step = 0; step < newTokens; step++) {
    const logits = session.next(ids);
    ids = argMaxRows(await logits.data<"float32">(), prompts.length, banned);
    logits.dispose();
    ids.forEach((id, row) => {
      rows[row]!.push(id);
    });
  }
  session.dispose();
  return rows;
}

/** The same tokens through the rollout sampler, with log-probs and entropies. */
function sampleGreedily(policy: Policy, prompts: readonly EncodedPrompt[], banned: readonly number[]) {
  const requests = prompts.map((prompt, i) => ({ recordId: String(i), prompt }));
  return sampleRollouts(policy, requests, {
    stopTokenIds: [],
    bannedTokenIds: banned,
    maxTokens: newTokens,
    seed: 0,
    temperature: 0,
  });
}

const options = readBenchOptions();
await openBackend(options.backend);
await withTinyModel({ kind: "none" }, async ({ policy, processor, parameterCount }, directory) => {
  const prompts = sceneExamples(32, 64).map(({ images, question }) => processor.encode(rawMessages(images, question)));
  const banned = processor.placeholderTokenIds;
  const session: Measured = {};
  const sampler: Measured = {};
  for (const batch of batchSizes) {
    const rows = prompts.slice(0, batch);
    const first = (await decodeGreedily(policy, rows, banned))[0]!;
    session[batch] = { first, times: await shortestTimes(rounds, () => decodeGreedily(policy, rows, banned)) };
    const sampled = await sampleGreedily(policy, rows, banned);
    const times = await shortestTimes(rounds, () => sampleGreedily(policy, rows, banned));
    sampler[batch] = { times, first: Array.from(sampled[0]!.completion) };
  }
  const peers: Record<string, Measured> = {};
  if (options.python !== undefined) {
    const file = join(tmpdir(), `imagine-opd-prompts-${process.pid}.json`);
    await writePrompts(file, { prompts }, banned);
    for (const threads of [1, 2]) {
      const args = [directory, file, String(newTokens), String(rounds), ...batchSizes.map(String)];
      peers[`transformers, ${threads} threads`] = runPeer<Measured>(options.python, "decode.py", threads, args);
    }
  }
  const agreement = Object.values(peers).map((peer) =>
    batchSizes.every((batch) => peer[batch]!.first.join() === session[batch]!.first.join()),
  );
  if (!options.json) {
    const columns = { session, sampler, ...peers };
    printTable(
      [
        "tokens/s",
        ...Object.keys(columns),
        ...Object.keys(peers).map((name) => `times as fast as ${name} (processor)`),
      ],
      batchSizes.map((batch) => [
        `batch ${batch}`,
        ...Object.values(columns).map((column) => ((1000 * batch * newTokens) / column[batch]!.times.wall).toFixed(0)),
        ...Object.values(peers).map((peer) => compareTimes(peer[batch]!.times, session[batch]!.times)),
      ]),
    );
    if (agreement.length > 0) console.error(`same greedy ids as transformers: ${agreement.every(Boolean)}`);
  }
  const promptTokens = prompts.map(({ tokenIds }) => tokenIds.length);
  console.log(
    JSON.stringify({ bench: "decode", parameterCount, newTokens, promptTokens, session, sampler, peers, agreement }),
  );
});
