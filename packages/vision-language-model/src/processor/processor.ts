import {
  type EncodedPrompt,
  type FileSource,
  ImagineOpdError,
  type Message,
  type Processor,
  readJson,
  readText,
} from "@imagine-opd/protocol";
import { type ImageSettings, readImageSettings } from "../config/image-settings.ts";
import { type ModelConfig, tokensPerTile } from "../config/model-config.ts";
import { createChatRenderer, readChatTemplate } from "./chat-template.ts";
import { expandImages, reservedMarks } from "./expand-images.ts";
import { hashText } from "./hash.ts";
import { createPictureEncoder } from "./picture-encoder.ts";
import { type DecodeOptions, openTokenizer, type TextCodec } from "./tokenizer.ts";

export interface ProcessorOptions {
  /** Whether large pictures become tiles. @default as the checkpoint says */
  readonly imageSplitting?: "on" | "off";
}

/** A {@link Processor} of the SmolVLM/Idefics3 family, with its parts in view. */
export interface VisionLanguageProcessor extends Processor {
  /** The rendered conversation with the generation prompt, image marks not yet expanded. */
  render(messages: readonly Message[]): string;
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** Ids of plain text. */
  tokenize(text: string): Int32Array;
  readonly imageSettings: ImageSettings;
}

async function readSettings(files: FileSource, config: ModelConfig): Promise<ImageSettings> {
  for (const name of ["preprocessor_config.json", "processor_config.json"]) {
    if ((await files.size(name)) === undefined) continue;
    const json = await readJson(files, name);
    if (name === "processor_config.json" && (json as Record<string, unknown>).image_processor === undefined) continue;
    const settings = readImageSettings(json, name);
    if (settings.tileSize !== config.vision.imageSize) {
      throw new ImagineOpdError("mismatch", {
        where: "vision-language-model.openProcessor",
        problem: `${name} makes tiles of ${settings.tileSize} px, the vision tower takes ${config.vision.imageSize} px.`,
        remedy: "Use the image settings that were published with the checkpoint.",
      });
    }
    return settings;
  }
  throw new ImagineOpdError("missing-file", {
    where: "vision-language-model.openProcessor",
    problem: "the checkpoint has neither preprocessor_config.json nor a processor_config.json with image settings.",
    remedy: "Add either file as the checkpoint was published.",
  });
}

/** Ids that end an answer: `eos_token_id` of `generation_config.json` (an id or a list), else of `config.json`. */
async function readStopTokens(files: FileSource): Promise<readonly number[]> {
  for (const name of ["generation_config.json", "config.json"]) {
    if ((await files.size(name)) === undefined) continue;
    const json = (await readJson(files, name)) as Record<string, unknown>;
    const ids = json.eos_token_id ?? (json.text_config as Record<string, unknown> | undefined)?.eos_token_id;
    if (ids !== undefined && ids !== null) return Array.isArray(ids) ? (ids as number[]) : [ids as number];
  }
  throw new ImagineOpdError("invalid-data", {
    where: "vision-language-model.openProcessor",
    problem: "neither generation_config.json nor config.json names an eos_token_id.",
    remedy: "Add the id of the token that ends an answer (SmolVLM: <end_of_utterance>).",
  });
}

function refuseMarks(messages: readonly Message[]): void {
  for (const { content } of messages) {
    for (const part of content) {
      const mark = part.type === "text" ? reservedMarks.find((pattern) => pattern.test(part.text)) : undefined;
      if (mark !== undefined) {
        throw new ImagineOpdError("invalid-argument", {
          where: "vision-language-model.encode",
          problem: `a text holds the reserved mark ${mark.source}.`,
          remedy: "Pass pictures as image parts and take the mark out of the text.",
        });
      }
    }
  }
}

/** Opens the processor of a checkpoint: tokenizer, chat template and image settings. */
export async function openProcessor(
  files: FileSource,
  config: ModelConfig,
  options: ProcessorOptions = {},
): Promise<VisionLanguageProcessor> {
  const { codec, config: tokenizerConfig } = await openTokenizer(files);
  const template = await readChatTemplate(files, tokenizerConfig);
  const stored = await readSettings(files, config);
  const imageSettings: ImageSettings = { ...stored, splitting: options.imageSplitting ?? stored.splitting };
  checkImageToken(codec, config);
  const render = createChatRenderer(template, specialTokens(tokenizerConfig));
  const perTile = tokensPerTile(config);
  const encodePictures = createPictureEncoder(imageSettings, config.vision.patchSize);
  const encode = (messages: readonly Message[]): EncodedPrompt => {
    refuseMarks(messages);
    const images = messages.flatMap(({ content }) =>
      content.flatMap((part) => (part.type === "image" ? [part.image] : [])),
    );
    const pictures = encodePictures(images);
    return {
      tokenIds: codec.encode(expandImages(render(messages), pictures, perTile)),
      patches: pictures.map(({ patches }) => patches),
    };
  };
  return {
    encode,
    render,
    decode: codec.decode,
    tokenize: codec.encode,
    imageSettings,
    stopTokenIds: await readStopTokens(files),
    placeholderTokenIds: [config.imageTokenId],
    tokenCount: codec.tokenCount,
    fingerprint: hashText(template, JSON.stringify(imageSettings), await readText(files, "tokenizer.json")),
  };
}

function checkImageToken(codec: TextCodec, config: ModelConfig): void {
  const id = codec.idOf("<image>");
  if (id === config.imageTokenId) return;
  throw new ImagineOpdError("mismatch", {
    where: "vision-language-model.openProcessor",
    problem: `config.json says <image> is token ${config.imageTokenId}, the tokenizer says ${id ?? "it has none"}.`,
    remedy: "Use the tokenizer that was published with the checkpoint.",
  });
}

/** Special tokens that templates may name, such as `bos_token`. */
function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (value: unknown): string | undefined =>
    typeof value === "string" ? value : (value as { content?: string } | null | undefined)?.content;
  const named = Object.keys(config).filter((key) => key.endsWith("_token"));
  return Object.fromEntries(
    named.flatMap((key) => (text(config[key]) === undefined ? [] : [[key, text(config[key])!]])),
  );
}
