import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../run.mjs";
import { tolerance } from "./check-saved-models.mjs";
import { askAdapted, combineQuestions } from "./combined-questions.mjs";
import { fixtureEnvironment, whyNoFixtures } from "./find-python.mjs";
import { mapInLanes, parseLines, runCommand } from "./run-command.mjs";
import { alterCheckpoint, readStoredQuestions } from "./stored-questions.mjs";

const lanes = Math.min(4, availableParallelism());

/** Other members of the family. Seeds are such that no two best tokens lie within rounding of each other. */
const kinds = [
  { variant: "alt", seed: 4 },
  { variant: "scripts/verify/variants/heads.json", seed: 9 },
];
const checkpoints = kinds.flatMap(({ variant, seed }, i) =>
  ["idefics3", "smolvlm"].map((family) => ({ variant, seed, family, name: `${family}, variant ${i + 1}` })),
);

async function makeCheckpoint({ variant, seed, family }, folder, python) {
  const args = ["goldens/make_fixtures.py", "--out", folder, "--variant", variant, "--seed", seed, "--family", family];
  await runCommand(python, args.map(String), { env: fixtureEnvironment });
}

function askArguments({ model, adapter, images, question, maxTokens }) {
  return [
    ...["--model", model, ...(adapter === undefined ? [] : ["--adapter", adapter])],
    ...images.flatMap((file) => ["--image", file]),
    ...["--question", question, "--prompt", "raw", "--max-tokens", `${maxTokens}`, "--temperature", "0", "--json"],
  ];
}

/** Answers of the `ask` program; conversations that its options cannot put go through its parts in one process. */
async function answerQuestions(questions) {
  const conversations = questions.filter(({ question }) => question === undefined);
  const program = await bundle("apps/infer-node/src/ask.ts");
  const asked = await mapInLanes(questions, lanes, async (question) =>
    question.question === undefined
      ? undefined
      : JSON.parse(await runCommand("node", [program, ...askArguments(question)])),
  );
  const input = conversations.map((conversation) => JSON.stringify(conversation)).join("\n");
  const answered =
    input === ""
      ? []
      : parseLines(await runCommand("node", ["scripts/run.mjs", "scripts/verify/answer-messages.ts"], { input }));
  return asked.map((answer) => answer ?? answered.shift());
}

/** What is wrong with an answer, in words, and its largest difference of log-probs. */
function compareAnswer(answer, { label, expected }) {
  const wrong = ["promptTokenIds", "tokenIds", "text"].filter(
    (key) => JSON.stringify(answer[key]) !== JSON.stringify(expected[key]),
  );
  // Math.max gives NaN for a NaN or a missing number, and NaN is not within any tolerance.
  const difference = Math.max(...expected.logProbs.map((logProb, i) => Math.abs(logProb - answer.logProbs[i])));
  if (!(difference <= tolerance)) wrong.push(`logProbs (${difference})`);
  const margin = expected.margin === undefined ? "" : ` (margin of the best token ${expected.margin})`;
  return { difference, problems: wrong.length === 0 ? [] : [`${label}: ${wrong.join(", ")}${margin}`] };
}

export async function checkQuestions(name, questions) {
  const answers = await answerQuestions(questions);
  const compared = answers.map((answer, i) => compareAnswer(answer, questions[i]));
  const problems = compared.flatMap((one) => one.problems);
  const largest = Math.max(...compared.map(({ difference }) => difference));
  const summary = `${questions.length} answers, log-probs within ${largest.toExponential(1)}`;
  if (problems.length === 0) return { outcome: "passed", name, detail: summary };
  return { outcome: "failed", name, detail: `${problems.length} of ${summary}; ${problems.slice(0, 5).join("; ")}` };
}

/** `npm run ask` with other checkpoints of the family answers as transformers does. */
export async function* checkAnswers({ python }) {
  const reason = await whyNoFixtures(python);
  if (reason !== undefined) return yield { outcome: "skipped", name: "answers of other checkpoints", detail: reason };
  const root = await mkdtemp(join(tmpdir(), "verify-answers-"));
  try {
    const made = checkpoints.map((checkpoint, i) => ({ ...checkpoint, folder: join(root, `${i}`) }));
    await mapInLanes(made, lanes, (checkpoint) => makeCheckpoint(checkpoint, checkpoint.folder, python));
    for (const { name, folder, family } of made) {
      const stored = await readStoredQuestions(folder, family);
      yield checkQuestions(`answers of ${name}`, [...stored, ...(await alterCheckpoint(stored[0]))]);
    }
    const combined = await combineQuestions(made, { count: 12, seed: 20260, maxTokens: 8, python });
    yield checkQuestions("answers to other combinations of settings, pictures and questions", combined);
    const adapted = await mapInLanes(made.slice(2), lanes, (checkpoint) =>
      askAdapted(checkpoint, { maxTokens: 8, python }),
    );
    yield checkQuestions("answers with adapters that PEFT wrote", adapted.flat());
    yield checkNpmScript(combined[0]);
  } finally {
    await rm(root, { recursive: true });
  }
}

/** The same program, started as people start it. */
async function checkNpmScript(question) {
  const line = await runCommand("npm", ["run", "--silent", "ask", "--", ...askArguments(question)]);
  const { problems } = compareAnswer(JSON.parse(line), question);
  const outcome = problems.length === 0 ? "passed" : "failed";
  return { outcome, name: "npm run ask", detail: problems[0] ?? "one line of JSON, the same answer" };
}
