// Trains the embedded base model on scenes drawn on the fly, and asks about held-out ones before and after.
import { parseArgs } from "node:util";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { openDirectory } from "@imagine-opd/host/node";
import { ask, openStudent, train } from "./imagine-opd.ts";
import { drawBatches, drawScene, toExample } from "./scenes.ts";

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values: options } = parseArgs({
  options: {
    model: text("apps/train-node/base-model"),
    steps: text("60"),
    batch: text("8"),
    lr: text("5e-4"),
    ask: text("64"),
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log("npm run minimal-loop -- [--model DIR] [--steps N] [--batch SCENES] [--lr RATE] [--ask HELD-OUT-SCENES]");
  process.exit();
}
await openWasmBackend();
const student = await openStudent(openDirectory(options.model));
const side = student.processor.imageSettings.tileSize;

/** The first sign that the base model misreads: its answers are shown. */
let shown: number | undefined;

async function askAll(when: string): Promise<void> {
  let right = 0;
  for (let index = 0; index < Number(options.ask); index++) {
    const scene = drawScene("held-out", index);
    let answer = "";
    for await (answer of ask(student, toExample(scene, side)));
    const isRight = answer.includes(`<answer>${scene.answer}</answer>`);
    if (isRight) right += 1;
    else shown ??= index;
    if (index === shown) console.log(`${scene.question} It is ${scene.answer}.\n${when}:${answer}`);
  }
  console.log(`${when}: ${right} of ${options.ask} held-out signs are read right`);
}

await askAll("before");
const batches = drawBatches(Number(options.steps), Number(options.batch), side);
for await (const { step, divergence, tokens } of train(student, batches, Number(options.lr)))
  console.log(`step ${step}: KL(student‖teacher) ${divergence.toFixed(4)} nats a token, of ${tokens} tokens`);
await askAll("after");
student.dispose();
