import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Objective, RatioChoice } from "./objective.ts";
import type { TrainSettings } from "./settings.ts";

/**
 * Refuses settings that no step could use, before anything is computed. What a divergence, a clip or a sampler takes is checked
 * by their packages.
 * @throws invalid-argument
 */
export function checkSettings(where: string, settings: TrainSettings): void {
  const checks = checksFor(where);
  checks.count("skipFirst", settings.skipFirst, 0);
  checkSchedule(settings, checks);
  checkLoss(settings, checks);
  const { objective } = settings;
  if (objective.kind === "grpo") {
    checkRatio(objective, checks);
    checkSamplersLogProbs(objective, settings, checks);
  }
  if (objective.kind !== "opd") return;
  checkDivergence(objective.divergence, checks);
  checkSamplersLogProbs(objective.divergence, settings, checks);
  checkViewContrast(objective.divergence, settings, checks);
  checkDemonstration(settings, checks);
}

/** What is absent passes, whatever it would have to be. */
function checksFor(where: string) {
  const refuse = (problem: string, remedy?: string): never => {
    throw new ImagineOpdError("invalid-argument", { where, problem, ...(remedy !== undefined && { remedy }) });
  };
  const expect = (name: string, value: unknown, right: boolean, expected: string): void => {
    if (value !== undefined && !right) refuse(`${name} must be ${expected}, got ${JSON.stringify(value)}.`);
  };
  return {
    refuse,
    positive: (name: string, value: number | undefined) =>
      expect(name, value, value! > 0 && Number.isFinite(value), "a number > 0"),
    notNegative: (name: string, value: number | undefined) =>
      expect(name, value, value! >= 0 && Number.isFinite(value), "a number ≥ 0"),
    count: (name: string, value: number | undefined, least: number) =>
      expect(name, value, Number.isSafeInteger(value) && value! >= least, `an integer ≥ ${least}`),
    choice: (name: string, value: string | undefined, choices: readonly string[]) =>
      expect(name, value, choices.includes(value!), `one of ${choices.join(", ")}`),
  };
}

type Checks = ReturnType<typeof checksFor>;
type Divergence = Extract<Objective, { kind: "opd" }>["divergence"];

/** Under the names that are declared, which are shorter than the schedule's own. */
function checkSchedule({ optimiser: { schedule } }: TrainSettings, { refuse, notNegative, count }: Checks): void {
  notNegative("lr (schedule.learningRate)", schedule.learningRate);
  if (schedule.kind === "constant") return;
  const { warmupSteps = 0 } = schedule;
  count("warmup (schedule.warmupSteps)", warmupSteps, 0);
  if (schedule.kind === "linear-warmup") return;
  notNegative("schedule.finalLearningRate", schedule.finalLearningRate);
  count("cosineSteps (schedule.totalSteps)", schedule.totalSteps, 1);
  if (!(schedule.totalSteps > warmupSteps))
    refuse(
      `cosineSteps (schedule.totalSteps) holds warmup (schedule.warmupSteps) and must be above it, got ${schedule.totalSteps} and ${warmupSteps}.`,
      "Raise cosineSteps, or lower warmup.",
    );
}

function checkLoss({ loss }: TrainSettings, { refuse, positive, count, choice }: Checks): void {
  choice("loss.reduction", loss.reduction, ["token-mean", "sequence-mean", "constant-length", "sum"]);
  if ((loss.reduction === "constant-length") !== (loss.constantLength !== undefined))
    refuse("loss.constantLength belongs to the reduction constant-length, and it to that.", "Give both or neither.");
  positive("loss.constantLength", loss.constantLength);
  positive("loss.temperature", loss.temperature);
  for (const id of loss.bannedTokenIds ?? []) count("an id of loss.bannedTokenIds", id, 0);
  count("loss.chunkRows", loss.chunkRows, 1);
  count("loss.chunkVocabulary", loss.chunkVocabulary, 1);
}

function checkRatio({ ratio, importanceCap }: RatioChoice, { positive, choice }: Checks): void {
  choice("ratio", ratio, ["one", "sampler"]);
  positive("importanceCap", importanceCap);
}

function checkDivergence(divergence: Divergence, checks: Checks): void {
  const { refuse, positive, notNegative, choice } = checks;
  if (divergence.kind !== "sampled-reverse-kl") {
    const { clip, topK, importanceCap } = divergence;
    positive("importanceCap", importanceCap);
    if (clip?.kind === "vocabulary-entry" && topK?.mass === "tail")
      refuse(
        'the clip "vocabulary-entry" bounds single ids and does not go with the tail of topK.',
        'Use mass "renormalise", or clip whole tokens.',
      );
    return;
  }
  const { baseline, advantageClip, prefixGamma } = divergence;
  checkRatio(divergence, checks);
  choice("baseline", baseline, ["none", "expected"]);
  positive("advantageClip", advantageClip);
  notNegative("prefixGamma", prefixGamma);
}

/** What is compared with the sampler's log-probs must be the distribution that it drew from. */
function checkSamplersLogProbs(
  form: Divergence | (RatioChoice & { readonly kind: "grpo" }),
  { loss, sampling }: TrainSettings,
  { refuse }: Checks,
): void {
  const sampled = form.kind === "sampled-reverse-kl" || form.kind === "grpo" ? form : undefined;
  const prefixes = form.kind === "sampled-reverse-kl" && form.prefixGamma !== undefined;
  if (!prefixes && form.importanceCap === undefined && sampled?.ratio !== "sampler") return;
  if (loss.temperature !== undefined && loss.temperature !== sampling.temperature)
    refuse(
      `importance and prefix weights need the sampler's temperature ${sampling.temperature}, got loss.temperature ${loss.temperature}.`,
      "Leave loss.temperature out, or the weights.",
    );
  // Without bans the raw log-probs are compared, which truncation and penalties leave as they are.
  if (sampled !== undefined && loss.bannedTokenIds === undefined) return;
  const { maxTokens: _, rolloutsPerPrompt: __, temperature: ___, ...processors } = sampling;
  const used = Object.entries(processors).filter(([, value]) => value !== undefined);
  if (used.length > 0)
    refuse(
      `importance and prefix weights need sampling from the whole distribution, got ${used.map(([name]) => name).join(", ")}.`,
      "Leave the weights out, or sample without truncation and penalties.",
    );
}

function checkViewContrast({ viewContrast }: Divergence, settings: TrainSettings, checks: Checks): void {
  if (viewContrast === undefined) return;
  const { refuse, positive, notNegative, choice } = checks;
  choice("viewContrast.wrong", viewContrast.wrong, ["shuffled", "blank", "noise"]);
  notNegative("viewContrast.gamma", viewContrast.gamma);
  notNegative("viewContrast.strength", viewContrast.strength);
  positive("viewContrast.limit", viewContrast.limit);
  if (!settings.reveal.evidence)
    refuse("viewContrast compares views with others, and reveal.evidence is false.", "Reveal them, or leave it out.");
  if (settings.sampling.rolloutsPerPrompt < 2)
    refuse("viewContrast compares the rollouts of a prompt, and there is one.", "Raise rolloutsPerPrompt.");
  if (viewContrast.wrong === "shuffled" && settings.batchSize < 2)
    refuse(
      `shuffled views are those of another record of the step, and batchSize is ${settings.batchSize}.`,
      'Raise batchSize, or let viewContrast show "blank" or "noise".',
    );
}

function checkDemonstration({ demonstration, reveal, sampling }: TrainSettings, { refuse, choice }: Checks): void {
  choice("demonstration", demonstration, ["none", "successful-rollout"]);
  if (demonstration === "none") return;
  if (reveal.groundTruth)
    refuse(
      `a demonstration stands in the labelled answer's place, and reveal.groundTruth is ${JSON.stringify(reveal.groundTruth)}.`,
      "Reveal one of them.",
    );
  if (sampling.rolloutsPerPrompt < 2)
    refuse("a rollout is demonstrated to others of its prompt, and there is one.", "Raise rolloutsPerPrompt.");
}
