import { promptsFile } from "@imagine-opd/command-line";
import type { FileSink } from "@imagine-opd/protocol";
import { readModelConfig, writeRandomWeights } from "@imagine-opd/vision-language-model";
import { signPrompts } from "../scenes/sign-scenes.ts";
import { trainByteLevelBpe } from "./byte-level-bpe.ts";
import { tinyCorpus } from "./tiny-corpus.ts";
import { chatTemplate, tokenizerFiles } from "./tokenizer-files.ts";

/** Side of the one tile that the tiny model sees of every picture, pixels. */
export const tinyTile = 64;

function configFiles(vocabSize: number, idOf: ReturnType<typeof tokenizerFiles>["idOf"]) {
  const special = {
    bos_token_id: idOf("<|im_start|>"),
    eos_token_id: idOf("<end_of_utterance>"),
    pad_token_id: idOf("<|im_end|>"),
  };
  const config = {
    architectures: ["SmolVLMForConditionalGeneration"],
    model_type: "smolvlm",
    dtype: "float32",
    ...special,
    image_token_id: idOf("<image>"),
    scale_factor: 2,
    tie_word_embeddings: true,
    text_config: {
      model_type: "llama",
      ...special,
      vocab_size: vocabSize,
      hidden_size: 96,
      intermediate_size: 200,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 24,
      hidden_act: "silu",
      rms_norm_eps: 1e-5,
      rope_parameters: { rope_type: "default", rope_theta: 10000 },
      max_position_embeddings: 4096,
      tie_word_embeddings: true,
    },
    vision_config: {
      model_type: "smolvlm_vision",
      hidden_size: 96,
      intermediate_size: 288,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      num_channels: 3,
      image_size: tinyTile,
      patch_size: 8,
      hidden_act: "gelu_pytorch_tanh",
      layer_norm_eps: 1e-6,
    },
  };
  const imageProcessor = {
    image_processor_type: "SmolVLMImageProcessor",
    do_convert_rgb: true,
    do_resize: true,
    do_rescale: true,
    do_normalize: true,
    do_pad: true,
    do_image_splitting: false,
    resample: 1,
    rescale_factor: 1 / 255,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
    size: { longest_edge: tinyTile },
    max_image_size: { longest_edge: tinyTile },
  };
  return { config, imageProcessor, generation: special };
}

/**
 * Writes a SmolVLM checkpoint of about 0.7 million random weights in the hub's layout, with a tokenizer whose words are
 * those of the prompts and of the procedural scenes. It knows nothing; it takes the same code path as a real one.
 */
export async function writeTinyCheckpoint(sink: FileSink, { seed }: { readonly seed: number }): Promise<void> {
  const { tokenizer, tokenizerConfig, vocabSize, idOf } = tokenizerFiles(trainByteLevelBpe(tinyCorpus()));
  const { config, imageProcessor, generation } = configFiles(vocabSize, idOf);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await sink.write("config.json", json(config));
  await sink.write("generation_config.json", json(generation));
  await sink.write("preprocessor_config.json", json(imageProcessor));
  await sink.write("processor_config.json", json({ processor_class: "SmolVLMProcessor", image_seq_len: 16 }));
  await sink.write("tokenizer.json", json(tokenizer));
  await sink.write("tokenizer_config.json", json(tokenizerConfig));
  await sink.write("chat_template.jinja", chatTemplate);
  await sink.write(promptsFile, json(signPrompts));
  await writeRandomWeights(sink, readModelConfig(config), { seed });
}
