import {
  chooseCrop,
  countReasons,
  createProgress,
  interruptSignal,
  type OpenedDataSet,
  openBackend,
  openCheckpointDirectory,
  openDataSet,
  readCheckpointPrompts,
  runProgram,
} from "@imagine-opd/command-line";
import { type EvaluationReport, streamEvaluation, type ZoomWords } from "@imagine-opd/evaluation";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { chooseZoom, chooseZoomCrop } from "./choose-zoom.ts";
import { type EvaluateOptions, evaluateCommand } from "./evaluate-options.ts";
import { formatReport } from "./format-report.ts";
import { requireFileTarget, writeSamples } from "./write-samples.ts";

async function evaluate(options: EvaluateOptions): Promise<void> {
  const signal = interruptSignal("stopping; nothing is written");
  if (options.out !== undefined) requireFileTarget(options.out);
  const zoomWords = chooseZoom(options);
  const backend = await openBackend(options.backend);
  const model = await openCheckpointDirectory(options.model, { adapter: options.adapter });
  try {
    const data = await openDataSet(options.data, {
      format: options.format,
      images: options.images,
      onBadRecord: options.badRecords,
      crop: chooseCrop({}, model),
    });
    noteDropped(data);
    const started = performance.now();
    const { samples, ...summary } = await runEvaluation(model, data, { ...options, zoomWords }, signal);
    const seconds = (performance.now() - started) / 1000;
    const record = { ...summary, backend: backend.name, seconds };
    process.stdout.write(options.json ? `${JSON.stringify(record)}\n` : formatReport(record));
    if (options.out !== undefined) await writeSamples(options.out, samples);
  } finally {
    model.dispose();
  }
}

/** Rows that are left out change what the accuracy is about, so their number must be seen. */
function noteDropped({ report }: OpenedDataSet): void {
  const { read, kept } = report;
  if (kept === read) return;
  process.stderr.write(`${read - kept} of ${read} rows left out (${countReasons(report).join(", ")})\n`);
}

async function runEvaluation(
  model: VisionLanguageModel,
  { source }: OpenedDataSet,
  { model: path, mode, zoomWords, limit, maxTokens, temperature, seed }: EvaluateOptions & { zoomWords?: ZoomWords },
  signal: AbortSignal,
): Promise<EvaluationReport> {
  const progress = createProgress("evaluate", Math.min(limit ?? source.size, source.size));
  let correct = 0;
  try {
    const events = streamEvaluation(model.policy, model.processor, source, {
      mode,
      maxTokens,
      temperature,
      seed,
      limit,
      signal,
      templates: readCheckpointPrompts(path),
      ...(zoomWords && { zoom: { words: zoomWords, crop: chooseZoomCrop(zoomWords, model) } }),
    });
    for await (const event of events) {
      if (event.type === "evaluation-finished") return event.report;
      correct += event.sample.correct ? 1 : 0;
      progress.update(event.done, `${((100 * correct) / event.done).toFixed(1)} % correct`);
    }
  } finally {
    progress.stop();
  }
  throw new Error("the evaluation ended without a report"); // it reports or throws
}

await runProgram(evaluateCommand().action(evaluate));
