import { imageMarker, type PromptTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import { type EncodedPrompt, ImagineOpdError, type Processor } from "@imagine-opd/protocol";
import type { Completion } from "./collect-completions.ts";
import { encodeTeacher } from "./prepare-examples.ts";
import type { TrainSettings } from "./settings.ts";
import type { Grader } from "./step-metrics.ts";

/** What the teacher reads before each completion of a step. */
export interface TeacherPrompts {
  /** One a completion; completions with the same context share one. */
  readonly prompts: readonly EncodedPrompt[];
  /** Completions that there was nothing to demonstrate to and whose tokens therefore do not count. */
  readonly skipped: ReadonlySet<Completion>;
}

/** The words for a demonstration in the places of those for an answer. */
function wordDemonstration(templates: PromptTemplates): PromptTemplates {
  return { ...templates, hiddenAnswer: templates.hiddenDemonstration, answerLabel: templates.demonstrationLabel };
}

/**
 * The prompts of the examples or, with demonstrations, of each completion: the first other completion of the same example that
 * is correct stands in the answer's place. A completion never demonstrates to itself.
 * @throws invalid-argument for demonstrations without a grader; invalid-data when there is none and that is an error
 */
export function chooseTeacherPrompts(
  completions: readonly Completion[],
  texts: readonly string[],
  processor: Processor,
  settings: TrainSettings,
  grade: Grader | undefined,
): TeacherPrompts {
  if (settings.demonstration === "none")
    return { prompts: completions.map(({ source }) => source.teacher!), skipped: new Set() };
  if (grade === undefined)
    throw new ImagineOpdError("invalid-argument", {
      where: "trainer.trainStep",
      problem: "demonstrations are completions that are graded as correct, and there is no `grade`.",
      remedy: 'Pass one, or set demonstration to "none".',
    });
  const usable = completions.map(({ source }, i) => isShowable(texts[i]!) && grade(texts[i]!, source.example).correct);
  const skipped = new Set<Completion>();
  const encoded = new Map<number, EncodedPrompt>();
  const prompts = completions.map((completion, i) => {
    const shown = completions.findIndex(({ source }, j) => j !== i && usable[j] && source === completion.source);
    if (shown < 0) {
      if (settings.missingPrivilege === "error") throw nothingToDemonstrate(completion);
      if (settings.missingPrivilege === "skip") skipped.add(completion);
      return completion.source.teacher!;
    }
    const prompt = encoded.get(shown) ?? demonstrate(completion, texts[shown]!, processor, settings);
    encoded.set(shown, prompt);
    return prompt;
  });
  return { prompts, skipped };
}

/** A marker in a text would be taken for a picture. */
function isShowable(text: string): boolean {
  return text.trim() !== "" && !text.includes(imageMarker);
}

function demonstrate(
  { source }: Completion,
  text: string,
  processor: Processor,
  settings: TrainSettings,
): EncodedPrompt {
  return encodeTeacher({ ...source.example, answer: text }, processor, {
    ...settings,
    reveal: { ...settings.reveal, groundTruth: true },
    templates: wordDemonstration(settings.templates ?? promptTemplates),
  });
}

function nothingToDemonstrate({ source }: Completion): ImagineOpdError {
  const { id } = source.example;
  return new ImagineOpdError("invalid-data", {
    where: "trainer.trainStep",
    problem: `no other completion of record ${id} is correct, so that nothing can be demonstrated.`,
    remedy: 'Set missingPrivilege to "skip" or "reduce".',
    details: { recordId: id },
  });
}
