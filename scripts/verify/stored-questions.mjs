import { cp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const readJson = async (path) => JSON.parse(await readFile(path, "utf8"));

/** The question as the command line takes it, or `undefined` for a conversation that it cannot put. */
function commandLineQuestion(messages) {
  if (messages.length !== 1) return undefined;
  const [{ content }] = messages;
  const firstText = content.findIndex(({ type }) => type === "text");
  const texts = content.slice(firstText);
  if (texts.length === 1) return texts[0].text; // pictures first: they need no marks
  return content.map(({ type, text }) => (type === "image" ? "<image>" : text)).join("");
}

/** The questions of a folder that goldens/make_fixtures.py wrote, with transformers' answers, plain and with the adapter. */
export async function readStoredQuestions(folder, family) {
  const model = join(folder, family);
  const { max_new_tokens: maxTokens, cases } = await readJson(join(model, "ask.json"));
  const adapted = await readJson(join(model, "adapter_expected.json"));
  const adaptedAnswers = new Map(adapted.ask.map((answer) => [answer.id, answer]));
  return cases.flatMap(({ id, files, messages, input_ids: promptTokenIds, ...plain }) => {
    const images = files.map((file) => join(folder, file));
    const asked = { model, images, messages, question: commandLineQuestion(messages), maxTokens };
    const expect = (answer) => ({
      promptTokenIds,
      tokenIds: answer.generated_ids,
      text: answer.generated_text,
      logProbs: answer.generated_logprobs,
    });
    return [
      { ...asked, label: id, expected: expect(plain) },
      { ...asked, label: `${id}, adapter`, adapter: join(model, "adapter"), expected: expect(adaptedAnswers.get(id)) },
    ];
  });
}

const alterations = {
  "old configuration": (copy) => rename(join(copy, "legacy_config.json"), join(copy, "config.json")),
  "no preprocessor_config.json": (copy) => rm(join(copy, "preprocessor_config.json")),
  "no processor_config.json": (copy) => rm(join(copy, "processor_config.json")),
};

/** A question put to copies of its checkpoint that must answer the same: other spellings of the same settings. */
export async function alterCheckpoint(question) {
  const altered = [];
  for (const [name, alter] of Object.entries(alterations)) {
    const copy = `${question.model} ${name}`;
    await cp(question.model, copy, { recursive: true });
    await alter(copy);
    altered.push({ ...question, model: copy, label: `${question.label}, ${name}` });
  }
  return altered;
}
