// Answers whole conversations, which the command line cannot put: node scripts/run.mjs scripts/verify/answer-messages.ts
// One JSON line each way: { model, adapter?, messages, images, maxTokens } in, the line of `ask --json` out.
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { decodeImage, openDirectory } from "@imagine-opd/host/node";
import type { ContentPart, Message } from "@imagine-opd/protocol";
import { openModel } from "@imagine-opd/vision-language-model";
import { describeAnswer } from "../../apps/infer-node/src/describe-answer.ts";
import { generateAnswer } from "../../apps/infer-node/src/generate-answer.ts";

interface Conversation {
  readonly model: string;
  readonly adapter?: string;
  readonly messages: readonly { readonly role: Message["role"]; readonly content: readonly StoredPart[] }[];
  /** Picture files for the image parts, in order. */
  readonly images: readonly string[];
  readonly maxTokens: number;
}

type StoredPart = { readonly type: "text"; readonly text: string } | { readonly type: "image" };

async function fillMessages({ messages, images }: Conversation): Promise<Message[]> {
  const pictures = await Promise.all(images.map(async (file) => (await decodeImage(file)).image));
  let next = 0;
  const fill = (part: StoredPart): ContentPart =>
    part.type === "text" ? part : { type: "image", image: pictures[next++]! };
  return messages.map(({ role, content }) => ({ role, content: content.map(fill) }));
}

async function answer(conversation: Conversation) {
  const { adapter, maxTokens } = conversation;
  const options = adapter === undefined ? {} : { adapter: openDirectory(adapter) };
  const model = await openModel(openDirectory(conversation.model), options);
  const messages = await fillMessages(conversation);
  const generated = await generateAnswer(model, messages, { prompt: "raw", maxTokens, temperature: 0, seed: 0 });
  const record = await describeAnswer(model.policy, generated, { prompt: "raw", temperature: 0, backend: "wasm" });
  model.dispose();
  return record;
}

process.stdin.setEncoding("utf8");
let input = "";
for await (const chunk of process.stdin) input += chunk;
await openWasmBackend();
for (const line of input.split("\n").filter((text) => text !== "")) {
  console.log(JSON.stringify(await answer(JSON.parse(line) as Conversation)));
}
