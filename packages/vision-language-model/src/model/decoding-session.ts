import { type EncodedPrompt, ImagineOpdError } from "@imagine-opd/protocol";
import type { DecodingSession, Head, ImageFeatures, WeightView } from "@imagine-opd/protocol/policy";
import { rmsNorm, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { runDecodeStep } from "./decode-step.ts";
import { type ModelParts, runSequences } from "./forward.ts";
import { rotaryAngles, rotaryFrequencies } from "./rotary-angles.ts";
import { bindText, type LayerCache } from "./text-decoder.ts";
import { embedTokens } from "./token-embedding.ts";

/** The batch between two steps: every row's cache, padded before its first token to one length. */
interface Batch {
  /** May have room for more positions than `length`. */
  readonly caches: readonly LayerCache[];
  /** `[B]` pads before each row. */
  readonly pads: Int32Array;
  /** Cached length, pads counted. */
  readonly length: number;
}

const tensorsOf = (caches: readonly LayerCache[]): tf.Tensor[] => caches.flatMap(({ k, v }) => [k, v]);

/** Applies one function to every cached tensor; the old ones are disposed. */
function mapCaches(
  caches: readonly LayerCache[],
  change: (cached: tf.Tensor4D, layer: number, part: "k" | "v") => tf.Tensor,
): LayerCache[] {
  const next = tf.tidy(
    () =>
      caches.map(({ k, v }, layer) => ({
        k: tf.keep(change(k, layer, "k")),
        v: tf.keep(change(v, layer, "v")),
      })) as unknown as tf.Tensor[],
  ) as unknown as LayerCache[];
  tf.dispose(tensorsOf(caches));
  return next;
}

/** The positions `from … to` of a cache. */
function slicePositions(cached: tf.Tensor4D, from: number, to: number): tf.Tensor4D {
  const [rows, heads, capacity, size] = cached.shape;
  return from === 0 && to === capacity ? cached : tf.slice(cached, [0, 0, from, 0], [rows, heads, to - from, size]);
}

/** Makes room for longer rows: pads before the cached positions. */
function padFront(cached: tf.Tensor4D, count: number): tf.Tensor4D {
  return count === 0
    ? cached
    : tf.pad(cached, [
        [0, 0],
        [0, 0],
        [count, 0],
        [0, 0],
      ]);
}

/** Prefills and then extends a batch of sequences, one token a row and step. */
export function startDecoding(
  prompts: readonly EncodedPrompt[],
  parts: ModelParts,
  head: Head,
  view: WeightView,
  features: ImageFeatures | undefined,
): DecodingSession {
  const { config, store } = parts;
  const frequencies = rotaryFrequencies(config.text.headDim, config.text.ropeTheta);
  let disposed = false;

  const toLogits = (x: tf.Tensor2D, norm: tf.Tensor): tf.Tensor2D =>
    head.logits(rmsNorm(x, norm, config.text.epsilon) as tf.Tensor2D, { weights: view });

  const prefill = (rows: readonly EncodedPrompt[]): { batch: Batch; logits: tf.Tensor2D } => {
    const result = tf.tidy(() => {
      const { layout, x, caches } = runSequences(rows, "left", parts, view, features);
      const last = Int32Array.from(rows, (_, b) => (b + 1) * layout.length - 1);
      const states = takeRows(tf.reshape(x, [-1, config.text.hiddenSize]), last) as tf.Tensor2D;
      const logits = toLogits(states, bindText(store, config, view).norm);
      for (const tensor of [...tensorsOf(caches), logits]) tf.keep(tensor);
      return { batch: { caches, pads: layout.leftPads, length: layout.length }, logits } as unknown as tf.Tensor;
    });
    return result as unknown as { batch: Batch; logits: tf.Tensor2D };
  };

  const extend = ({ caches, pads, length }: Batch, ids: Int32Array): { batch: Batch; logits: tf.Tensor2D } => {
    const result = tf.tidy(() => {
      const rows = ids.length;
      const x = embedTokens(ids, store, parts.hostRows, view, config.text.hiddenSize);
      const angles = rotaryAngles(
        pads.map((count) => length - count),
        [rows, 1],
        frequencies,
      );
      const weights = bindText(store, config, view);
      const step = runDecodeStep(x, weights.layers, { length, pads, ...angles }, config.text, caches);
      const logits = toLogits(step.x, weights.norm);
      for (const tensor of [...tensorsOf(step.caches), logits]) tf.keep(tensor);
      return { batch: { caches: step.caches, pads, length: length + 1 }, logits } as unknown as tf.Tensor;
    });
    tf.dispose(tensorsOf(caches));
    return result as unknown as { batch: Batch; logits: tf.Tensor2D };
  };

  let { batch, logits: first }: { batch: Batch; logits: tf.Tensor2D | undefined } = prefill(prompts);

  const check = (method: string): void => {
    if (disposed)
      throw new ImagineOpdError("disposed", {
        where: `DecodingSession.${method}`,
        problem: "the session was used after dispose().",
      });
  };
  const refuse = (method: string, problem: string): never => {
    throw new ImagineOpdError("invalid-argument", { where: `DecodingSession.${method}`, problem });
  };

  return {
    next(tokenIds) {
      check("next");
      if (first !== undefined) {
        if (tokenIds !== undefined) refuse("next", "the first call takes no ids; its logits come from the prompts.");
        const logits = first;
        first = undefined;
        return logits;
      }
      const rows = batch.pads.length;
      if (tokenIds === undefined || tokenIds.length !== rows) {
        return refuse("next", `expected one id for each of ${rows} rows, got ${tokenIds?.length ?? "none"}.`);
      }
      if (tokenIds.some((id) => id < 0 || id >= config.text.vocabSize || id === config.imageTokenId)) {
        refuse("next", `ids must be text tokens below ${config.text.vocabSize}, got ${Array.from(tokenIds)}.`);
      }
      if (batch.length - Math.min(...batch.pads) >= config.text.contextLength) {
        throw new ImagineOpdError("limit-exceeded", {
          where: "DecodingSession.next",
          problem: `a row has reached the context length of ${config.text.contextLength} tokens.`,
          remedy: "Ask for fewer tokens.",
        });
      }
      const step = extend(batch, tokenIds);
      batch = step.batch;
      return step.logits;
    },
    select(rows) {
      check("select");
      const count = batch.pads.length;
      if (rows.length === 0 || rows.some((row) => row < 0 || row >= count)) {
        refuse("select", `rows must name at least one of the ${count} rows, got [${Array.from(rows)}].`);
      }
      const pads = Int32Array.from(rows, (row) => batch.pads[row]!);
      const spare = Math.min(...pads);
      const caches = mapCaches(batch.caches, (cached) => {
        const kept = takeRows(cached, rows) as tf.Tensor4D;
        return spare === 0 ? kept : slicePositions(kept, spare, batch.length);
      });
      batch = { caches, pads: pads.map((pad) => pad - spare), length: batch.length - spare };
      if (first !== undefined) {
        const kept = takeRows(first, rows) as tf.Tensor2D;
        first.dispose();
        first = kept;
      }
    },
    append(more) {
      check("append");
      if (first !== undefined) refuse("append", "call next() for the first prompts before appending more.");
      const added = prefill(more);
      const length = Math.max(batch.length, added.batch.length);
      const [before, beforeAdded] = [length - batch.length, length - added.batch.length];
      const caches = mapCaches(batch.caches, (cached, layer, part) =>
        tf.concat(
          [
            padFront(slicePositions(cached, 0, batch.length), before),
            padFront(added.batch.caches[layer]![part], beforeAdded),
          ],
          0,
        ),
      );
      tf.dispose(tensorsOf(added.batch.caches));
      const pads = Int32Array.from([
        ...batch.pads.map((p) => p + before),
        ...added.batch.pads.map((p) => p + beforeAdded),
      ]);
      batch = { caches, pads, length };
      return added.logits;
    },
    get lengths() {
      return batch.pads.map((pads) => batch.length - pads);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      tf.dispose(tensorsOf(batch.caches));
      first?.dispose();
    },
  };
}
