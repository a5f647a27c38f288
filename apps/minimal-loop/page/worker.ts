// Asks, trains and asks again, away from the page's own thread.
import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { openUrl } from "@imagine-opd/host/browser";
import { memory } from "@tensorflow/tfjs-core";
import { ask, openStudent, train } from "../src/imagine-opd.ts";
import { drawBatches, drawScene, toExample } from "../src/scenes.ts";

export type Job = Readonly<Record<"scene" | "steps" | "batchSize", number>> & { readonly model: string };

export type News =
  | { readonly type: "adapter" | "before" | "after" | "failed"; readonly text: string }
  | { readonly type: "step"; readonly step: number; readonly divergence: number; readonly seconds: number }
  | { readonly type: "done"; readonly tensors: number };

const files = ["config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json"]
  .concat("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "imagine-opd-prompts.json")
  .concat("model.safetensors");
const tell = (news: News) => postMessage(news);
let stopped = false;

addEventListener("message", ({ data }: MessageEvent<Job | "stop">) => {
  if (data === "stop") stopped = true;
  else run(data).catch(({ message }: Error) => tell({ type: "failed", text: message }));
});

async function run({ model, scene, steps, batchSize }: Job): Promise<void> {
  const { adapter } = await openWebgpuBackend();
  const name = `${adapter.vendor} ${adapter.description || adapter.architecture}`;
  tell({ type: "adapter", text: adapter.software ? `${name}: a CPU in the GPU's place, right and slow` : name });
  const student = await openStudent(openUrl(model, files));
  const side = student.processor.imageSettings.tileSize;
  const example = toExample(drawScene("held-out", scene), side);
  for await (const text of ask(student, example)) tell({ type: "before", text });
  let last = performance.now();
  const batches = drawBatches(steps, batchSize, side);
  for await (const { step, divergence } of train(student, batches, 5e-4, steps)) {
    const now = performance.now();
    tell({ type: "step", step, divergence, seconds: (now - last) / 1000 });
    last = now;
    if (stopped) break;
  }
  for await (const text of ask(student, example)) tell({ type: "after", text });
  student.dispose();
  const tensors = memory().numTensors;
  closeWebgpuBackend();
  tell({ type: "done", tensors });
}
