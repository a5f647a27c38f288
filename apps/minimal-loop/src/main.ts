// Trains the embedded base model on scenes drawn on the fly, and asks about a held-out one before and after.
import { parseArgs } from "node:util";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { openDirectory } from "@imagine-opd/host/node";
import { ask, openStudent, train } from "./imagine-opd.ts";
import { drawBatches, drawScene, toExample } from "./scenes.ts";

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values: options } = parseArgs({
  options: { model: text("apps/train-node/base-model"), steps: text("60"), batch: text("8"), lr: text("5e-4") },
});
await openWasmBackend();
const student = await openStudent(openDirectory(options.model));
const side = student.processor.imageSettings.tileSize;
const scene = drawScene("held-out", 0);

async function printAnswer(when: string): Promise<void> {
  let answer = "";
  for await (answer of ask(student, toExample(scene, side)));
  console.log(`${when}:${answer}`);
}

console.log(`${scene.question} It is ${scene.answer}.`);
await printAnswer("before");
const batches = drawBatches(Number(options.steps), Number(options.batch), side);
for await (const { step, divergence, tokens } of train(student, batches, Number(options.lr)))
  console.log(`step ${step}: KL(student‖teacher) ${divergence.toFixed(4)} nats a token, of ${tokens} tokens`);
await printAnswer("after");
student.dispose();
