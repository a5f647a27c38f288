import { ImagineOpdError, type Message, type Processor } from "@imagine-opd/protocol";
import {
  type DecodingPolicy,
  type SampledRollout,
  type SamplingOptions,
  streamRollouts,
} from "@imagine-opd/rollout-sampler";
import type { PromptKind } from "./ask-messages.ts";

export interface GenerateAnswerOptions
  extends Pick<SamplingOptions, "maxTokens" | "seed" | "temperature" | "topP" | "topK" | "signal"> {
  /** `raw` bans nothing; the others never draw image placeholders and ids beyond the tokenizer. */
  readonly prompt: PromptKind;
  /** Told after every token. @param text all of the answer so far */
  readonly onText?: (text: string) => void;
}

export interface GeneratedAnswer {
  readonly text: string;
  readonly rollout: SampledRollout;
}

/**
 * Generates one completion.
 * @throws unsupported when a raw prompt makes the model go on from an image placeholder
 * @throws limit-exceeded when prompt and `maxTokens` exceed the context; aborted
 */
export async function generateAnswer(
  { policy, processor }: { readonly policy: DecodingPolicy; readonly processor: Processor },
  messages: readonly Message[],
  { prompt, onText, ...sampling }: GenerateAnswerOptions,
): Promise<GeneratedAnswer> {
  const { placeholderTokenIds, tokenCount, stopTokenIds } = processor;
  const bans = prompt === "raw" ? {} : { bannedTokenIds: placeholderTokenIds, tokenLimit: tokenCount };
  const tokenIds: number[] = [];
  const request = { recordId: "question", prompt: processor.encode(messages) };
  for await (const event of streamRollouts(policy, [request], { ...sampling, ...bans, stopTokenIds })) {
    if (event.type === "rollout-finished") {
      const { rollout } = event;
      if (rollout.stopReason !== "aborted") return { text: processor.decode(rollout.completion), rollout };
      continue; // the stream throws next
    }
    tokenIds.push(event.tokenId);
    if (placeholderTokenIds.includes(event.tokenId) && tokenIds.length < sampling.maxTokens) {
      throw drewPlaceholder(event.tokenId, tokenIds.length);
    }
    onText?.(processor.decode(tokenIds));
  }
  throw new Error("the sampler ended without a completion"); // it finishes one or throws
}

function drewPlaceholder(tokenId: number, position: number): ImagineOpdError {
  return new ImagineOpdError("unsupported", {
    where: "infer-node.generateAnswer",
    problem: `token ${position} of the answer is ${tokenId}, the placeholder of a picture, and there is no picture to go on from.`,
    remedy: "Ask with --prompt direct or --prompt imagine, which never draw it.",
    details: { tokenId, position },
  });
}
