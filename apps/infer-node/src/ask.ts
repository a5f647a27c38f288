import {
  interruptSignal,
  type OpenedBackend,
  openBackend,
  openCheckpointDirectory,
  readCheckpointPrompts,
  runProgram,
} from "@imagine-opd/command-line";
import { decodeImage } from "@imagine-opd/host/node";
import type { Message } from "@imagine-opd/protocol";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { askMessages } from "./ask-messages.ts";
import { type AskOptions, askCommand } from "./ask-options.ts";
import { describeAnswer } from "./describe-answer.ts";
import { type GenerateAnswerOptions, generateAnswer } from "./generate-answer.ts";
import { createGrowingText } from "./growing-text.ts";

async function ask(options: AskOptions): Promise<void> {
  const signal = interruptSignal("stopping");
  const { prompt, question, adapter, imageSplitting, maxTokens, temperature, topP, topK, seed } = options;
  const pictures = await Promise.all(options.image.map((file) => decodeImage(file)));
  const messages = askMessages(
    prompt,
    pictures.map(({ image }) => image),
    question,
    readCheckpointPrompts(options.model),
  );
  const backend = await openBackend(options.backend);
  const model = await openCheckpointDirectory(options.model, { adapter, imageSplitting });
  try {
    const print = options.json ? printJson : printText;
    await print(model, messages, { prompt, maxTokens, temperature, topP, topK, seed, signal }, backend);
  } finally {
    model.dispose();
  }
}

type Print = (
  model: VisionLanguageModel,
  messages: readonly Message[],
  options: GenerateAnswerOptions & Pick<AskOptions, "temperature">,
  backend: OpenedBackend,
) => Promise<void>;

const printJson: Print = async (model, messages, options, { name }) => {
  const answer = await generateAnswer(model, messages, options);
  const { prompt, temperature } = options;
  const record = await describeAnswer(model.policy, answer, { prompt, temperature, backend: name });
  process.stdout.write(`${JSON.stringify(record)}\n`);
};

/** The text as it is generated; what it took goes to stderr. */
const printText: Print = async (model, messages, options, { name }) => {
  const started = performance.now();
  const output = createGrowingText((piece) => process.stdout.write(piece));
  const { text, rollout } = await generateAnswer(model, messages, { ...options, onText: output.update });
  output.finish(text);
  process.stdout.write("\n");
  const seconds = (performance.now() - started) / 1000;
  const count = rollout.completion.length;
  process.stderr.write(
    `${count} tokens in ${seconds.toFixed(2)} s, ${(count / seconds).toFixed(1)} tokens/s, backend ${name}\n`,
  );
};

await runProgram(askCommand().action(ask));
