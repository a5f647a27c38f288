import { parseTrajectory } from "@imagine-opd/imagination-prompts";
import { drawScene } from "../src/scenes.ts";
import type { Job, News } from "./worker.ts";

const find = <Kind extends Element>(id: string) => document.getElementById(id) as unknown as Kind;
const form = find<HTMLFormElement>("job");
const start = find<HTMLButtonElement>("start");
const stop = find<HTMLButtonElement>("stop");
const context = (id: string) => find<HTMLCanvasElement>(id).getContext("2d")!;
const say = (id: string, text: string) => find(id).replaceChildren(text);
const readForm = () => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, Number(value)]));
const average = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each) / numbers.length;
const moveNames = { locate: "Locates", invoke: "Zooms in thought", reveal: "Sees", commit: "Answers" };

/** Shows the scene that will be asked about, its sign outlined, and the view of it; returns the right answer. */
function showScene(): string {
  const { image, boxes, question, answer } = drawScene("held-out", readForm().scene!);
  const picture = context("picture");
  const pixels = new ImageData(image.width, image.height);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : image.data[i - (i >> 2)]!;
  picture.putImageData(pixels, 0, 0);
  const { left, top, right, bottom } = boxes[0]!;
  const view = context("view");
  view.drawImage(picture.canvas, left, top, right - left, bottom - top, 0, 0, view.canvas.width, view.canvas.height);
  picture.strokeRect(left - 2.5, top - 2.5, right - left + 5, bottom - top + 5);
  say("question", `${question} It is ${answer}.`);
  return answer;
}

/** Shows an answer as far as it is written, move by move. */
function showAnswer(id: string, text: string, right: string): void {
  const { moves, answer, tag } = parseTrajectory(text);
  const verdict = tag !== "closed" ? "" : answer === right ? ": right" : `: wrong, it is ${right}`;
  const items = moves.map(({ kind, text }) => {
    const [item, name] = [document.createElement("li"), document.createElement("b")];
    name.append(moveNames[kind], kind === "commit" ? verdict : "");
    item.append(name, text.replace(/<\/?answer>?/g, ""));
    return item;
  });
  find(id).replaceChildren(...items);
}

function showChart(values: readonly number[]): void {
  const highest = Math.max(...values);
  const means = values.map((_, i) => average(values.slice(Math.max(0, i - 7), i + 1)));
  for (const [id, line] of Object.entries({ raw: values, mean: means })) {
    const points = line.map((y, i) => `${i / Math.max(1, line.length - 1)},${1 - y / highest}`);
    find(id).setAttribute("points", points.join(" "));
  }
  find("chart").ariaLabel = `From ${values[0]!.toFixed(3)} to ${means.at(-1)!.toFixed(3)} nats a token`;
  say("highest", highest.toFixed(2));
}

/** Every run has a worker of its own, which ends with it and takes the device along. */
function run(): void {
  const right = showScene();
  const job = { ...readForm(), model: new URL(".", location.href).href } as Job;
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const values: number[] = [];
  const show = (running: boolean, status: string, error = "") => {
    [start.disabled, stop.disabled] = [running, !running];
    start.textContent = error === "" ? "Train" : "Start again";
    say("status", status);
    say("error", error);
    if (!running) worker.terminate();
  };
  worker.onerror = ({ message }) => show(false, "Stopped.", message || "The worker's program could not be loaded.");
  worker.onmessage = ({ data }: MessageEvent<News>) => {
    if (data.type === "step") {
      values.push(data.divergence);
      showChart(values);
      say("status", `Step ${data.step} of ${job.steps}, ${(1 / data.seconds).toPrecision(2)} steps a second.`);
    } else if (data.type === "done") {
      show(false, `Done after ${values.length} steps; tensors left on the device: ${data.tensors}.`);
    } else if (data.type === "failed") show(false, "Stopped by an error.", data.text);
    else if (data.type === "adapter") say("adapter", data.text);
    else showAnswer(data.type, data.text, right);
  };
  stop.onclick = () => worker.postMessage("stop");
  for (const id of ["before", "after", "adapter"]) say(id, "");
  show(true, "Loading the model, then asking it.");
  worker.postMessage(job);
}

form.onsubmit = (event) => {
  event.preventDefault();
  run();
};
form.onchange = () => !start.disabled && form.reportValidity() && showScene();
showScene();
