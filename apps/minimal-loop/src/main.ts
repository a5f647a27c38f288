// Trains the embedded base model on scenes drawn on the fly, and asks about held-out ones before and after.
import { parseArgs } from "node:util";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { openDirectory } from "@imagine-opd/host/node";
import { ask, openStudent, train } from "./imagine-opd.ts";
import { drawBatches, drawScene, toExample } from "./scenes.ts";

const usage = "npm run minimal-loop -- [--model DIR] [--steps N] [--batch SCENES] [--lr RATE] [--ask SCENES]";
const text = (value: string) => ({ type: "string", default: value }) as const;
const numbers = { steps: text("120"), batch: text("8"), lr: text("5e-4"), ask: text("64") };
const { values } = parseArgs({
  options: { model: text("apps/train-node/base-model"), ...numbers, help: { type: "boolean" } },
});
if (values.help) {
  console.log(usage);
  process.exit();
}
const [steps, batch, rate, count] = [Number(values.steps), Number(values.batch), Number(values.lr), Number(values.ask)];
if (![steps, batch, count].every((number) => Number.isInteger(number) && number > 0) || !(rate > 0)) {
  console.error(`N and SCENES are integers from 1, RATE is above 0.\n${usage}`);
  process.exit(2);
}
await openWasmBackend();
const student = await openStudent(openDirectory(values.model));
const side = student.processor.imageSettings.tileSize;

let shown: number | undefined; // the first sign that the base model misreads
async function askAll(when: string): Promise<void> {
  let right = 0;
  for (let index = 0, answer = ""; index < count; index++) {
    const scene = drawScene("held-out", index);
    for await (answer of ask(student, toExample(scene, side)));
    if (answer.includes(`<answer>${scene.answer}</answer>`)) right += 1;
    else shown ??= index;
    if (index === shown) console.log(`${scene.question} It is ${scene.answer}.\n${when}:${answer}`);
  }
  console.log(`${when}: ${right} of ${count} held-out signs are read right`);
}

await askAll("before");
const batches = drawBatches(steps, batch, side);
for await (const { step, divergence, tokens } of train(student, batches, rate, steps))
  console.log(`step ${step}: KL(student‖teacher) ${divergence.toFixed(4)} nats a token, of ${tokens} tokens`);
await askAll("after");
student.dispose();
