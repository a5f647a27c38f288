import { Template } from "@huggingface/jinja";
import { type FileSource, ImagineOpdError, type Message, readJson, readText } from "@imagine-opd/protocol";

/** The checkpoint's chat template: `chat_template.jinja`, `chat_template.json`, or the field of `tokenizer_config.json`. */
export async function readChatTemplate(
  files: FileSource,
  tokenizerConfig: Readonly<Record<string, unknown>>,
): Promise<string> {
  if ((await files.size("chat_template.jinja")) !== undefined) return readText(files, "chat_template.jinja");
  const nested =
    (await files.size("chat_template.json")) === undefined
      ? tokenizerConfig.chat_template
      : ((await readJson(files, "chat_template.json")) as Record<string, unknown>).chat_template;
  if (typeof nested === "string") return nested;
  throw new ImagineOpdError("missing-file", {
    where: "vision-language-model.openProcessor",
    problem: "the checkpoint has no chat template.",
    remedy: "Add chat_template.jinja, or chat_template to tokenizer_config.json, as the checkpoint was published.",
  });
}

/** Renders the messages with the generation prompt. Pictures appear as the template's own marks. */
export function createChatRenderer(source: string, specialTokens: Readonly<Record<string, string>>) {
  const template = new Template(source);
  return (messages: readonly Message[], options: { readonly addGenerationPrompt?: boolean } = {}): string =>
    template.render({
      ...specialTokens,
      messages: messages.map(({ role, content }) => ({
        role,
        content: content.map((part) => (part.type === "text" ? { type: "text", text: part.text } : { type: "image" })),
      })),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    });
}
