import type { BytePairVocabulary } from "./byte-level-bpe.ts";

const endOfTurn = "<end_of_utterance>";
export const specialTokens = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<fake_token_around_image>",
  "<image>",
  endOfTurn,
  "<global-img>",
] as const;

/** The files of a SmolVLM-style tokenizer over a byte-level vocabulary: what the processor and transformers read. */
export function tokenizerFiles({ tokens, merges }: BytePairVocabulary) {
  const ids = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const idOf = (special: (typeof specialTokens)[number]) => tokens.length + specialTokens.indexOf(special);
  const addedTokens = specialTokens.map((content) => ({
    id: idOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: ids,
      merges,
    },
  };
  const tokenizerConfig = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<|im_start|>",
    eos_token: endOfTurn,
    pad_token: "<|im_end|>",
    clean_up_tokenization_spaces: false,
    model_max_length: 4096,
  };
  return { tokenizer, tokenizerConfig, vocabSize: tokens.length + specialTokens.length, idOf };
}

/** SmolVLM's layout of a conversation, in our own words. */
export const chatTemplate = `<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}{{ ':' if message['content'][0]['type'] == 'image' else ': ' }}{% for part in message['content'] %}{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}<end_of_utterance>
{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}`;
