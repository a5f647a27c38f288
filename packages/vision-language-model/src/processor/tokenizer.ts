import { Tokenizer } from "@huggingface/tokenizers";
import { type FileSource, ImagineOpdError, readJson } from "@imagine-opd/protocol";

export interface DecodeOptions {
  /** Whether special tokens such as the end of a turn show in the text. @default "skip" */
  readonly specialTokens?: "skip" | "keep";
}

/** Text to ids and back, as the checkpoint's `tokenizer.json` says. */
export interface TextCodec {
  encode(text: string): Int32Array;
  /** Text of the ids; ids that the tokenizer does not know stand for nothing. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** The id of one token's exact text. */
  idOf(token: string): number | undefined;
  /** One more than the largest id. */
  readonly tokenCount: number;
}

interface TokenizerJson {
  readonly model?: { readonly vocab?: Readonly<Record<string, number>> };
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
}

/** Opens `tokenizer.json` with its `tokenizer_config.json`. */
export async function openTokenizer(files: FileSource): Promise<{ codec: TextCodec; config: Record<string, unknown> }> {
  const json = (await readJson(files, "tokenizer.json")) as Record<string, unknown>;
  const config =
    (await files.size("tokenizer_config.json")) === undefined
      ? {}
      : ((await readJson(files, "tokenizer_config.json")) as Record<string, unknown>);
  return { codec: createCodec(json, config), config };
}

function createCodec(json: Record<string, unknown>, config: Record<string, unknown>): TextCodec {
  const tokenizer = new Tokenizer(json, config);
  const { model, added_tokens: added = [] } = json as TokenizerJson;
  const ids = new Map<string, number>(Object.entries(model?.vocab ?? {}));
  for (const { content, id } of added) ids.set(content, id);
  const known = new Set(ids.values());
  return {
    tokenCount: Array.from(known).reduce((largest, id) => Math.max(largest, id), -1) + 1,
    idOf: (token) => ids.get(token),
    encode(text) {
      if (text === "") return new Int32Array(0);
      const encoded = tokenizer.encode(text, { add_special_tokens: true }).ids;
      // The library gives undefined for a piece that is in no vocabulary.
      const unknown = encoded.findIndex((id) => !Number.isInteger(id));
      if (unknown >= 0) {
        throw new ImagineOpdError("unsupported", {
          where: "vision-language-model.encode",
          problem: `the tokenizer has no id for piece ${unknown} of ${JSON.stringify(text.slice(0, 80))}.`,
          remedy: "Use the checkpoint's byte-level tokenizer, which covers every text.",
        });
      }
      return Int32Array.from(encoded);
    },
    decode(sequence, { specialTokens = "skip" } = {}) {
      const kept = Array.from(sequence).filter((id) => known.has(id));
      if (kept.length === 0) return ""; // the library refuses an empty list
      return tokenizer.decode(kept, {
        skip_special_tokens: specialTokens === "skip",
        clean_up_tokenization_spaces: false,
      });
    },
  };
}
