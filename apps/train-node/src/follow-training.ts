import { createProgress } from "@imagine-opd/command-line";
import { isImagineOpdError } from "@imagine-opd/protocol";
import { type Collapse, createCollapseAlarm } from "@imagine-opd/run-log";
import { adviseOn } from "./collapse-advice.ts";
import type { TrainingRun } from "./run-training.ts";

/**
 * Runs a training and tells about it on stderr. A run whose rollouts collapse is stopped after a checkpoint.
 * @returns the collapse, if there was one
 */
export async function followTraining(run: TrainingRun, signal: AbortSignal): Promise<Collapse | undefined> {
  const { record, firstStep, totalSteps } = run;
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const { model, data, options, deviations, backend } = record;
  say(
    `model ${options.model}: ${model.family}, ${model.parameters.toLocaleString("en")} parameters, ${record.tuning.kind} tuning`,
  );
  say(`data ${options.data}: ${data.records} records; backend ${backend.name} (chosen ${backend.chosen})`);
  for (const { field, preset, value } of deviations)
    say(`deviation from ${options.preset}: ${field} ${value} (preset ${preset})`);
  if (firstStep > 0) say(`resumed after step ${firstStep}`);
  const progress = createProgress("training", totalSteps, firstStep);
  const alarm = createCollapseAlarm();
  // A resumed run is compared with its own beginning.
  for (const step of run.directory.readSteps()) if (step.step <= firstStep) alarm(step);
  const stop = new AbortController();
  let collapse: Collapse | undefined;
  try {
    for await (const event of run.events(AbortSignal.any([signal, stop.signal]))) {
      if (event.type === "self-test-passed")
        say(
          `self-test passed: KL ${event.result.kl.toExponential(1)} nats between student and teacher on the same prompt`,
        );
      if (event.type === "step-finished") {
        const { signal: signals, optimiser, system } = event.metrics;
        const skipped = event.applied ? "" : ", update skipped: gradient not finite";
        progress.update(
          event.step,
          `k1 ${signals?.k1TokenMean?.toFixed(4)} nats/token, gradient ${optimiser?.gradientNorm?.toPrecision(3)}, ${system?.seconds?.toFixed(1)} s/step${skipped}`,
        );
        collapse ??= alarm(event.metrics);
        if (collapse !== undefined) stop.abort();
      }
    }
  } catch (error) {
    if (collapse === undefined || signal.aborted || !isImagineOpdError(error) || error.code !== "aborted") throw error;
  } finally {
    progress.stop();
  }
  if (collapse !== undefined) say(adviseOn(collapse, record.teacher.kind));
  return collapse;
}
