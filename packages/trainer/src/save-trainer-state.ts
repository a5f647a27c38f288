import type { TeacherState } from "@imagine-opd/privileged-teacher";
import { type FileSink, type FileSource, ImagineOpdError, readJson } from "@imagine-opd/protocol";
import {
  encodeFloat32,
  openSafetensors,
  type TensorToWrite,
  toFloat32,
  writeSafetensors,
} from "@imagine-opd/safetensors";
import type { TrainerState } from "./trainer.ts";

const jsonName = "trainer.json";
const tensorsName = "trainer.safetensors";
const formatVersion = 2;

/** What `trainer.json` holds: the state with names in place of arrays. */
interface StateJson extends Omit<TrainerState, "optimizer" | "teacher"> {
  readonly formatVersion: number;
  readonly optimizer: { readonly step: number };
  readonly teacher?: Omit<TeacherState, "weights"> & { readonly weights: readonly string[] };
}

function toTensors({ optimizer, teacher }: TrainerState): TensorToWrite[] {
  const tensor = (name: string, shape: readonly number[], values: Float32Array): TensorToWrite => ({
    name,
    dtype: "F32",
    shape,
    data: () => encodeFloat32(values, "F32"),
  });
  return [
    ...Object.entries(optimizer.moments).flatMap(([name, { shape, first, second }]) => [
      tensor(`optimizer.first.${name}`, shape, first),
      tensor(`optimizer.second.${name}`, shape, second),
    ]),
    ...Object.entries(teacher?.weights ?? {}).map(([name, values]) =>
      tensor(`teacher.${name}`, [values.length], values),
    ),
  ];
}

/** Writes a state as `trainer.json` and `trainer.safetensors`. */
export async function saveTrainerState(state: TrainerState, sink: FileSink): Promise<void> {
  const { step, skippedSteps, dataFingerprint, processorFingerprint, promptsFingerprint, optimizer, teacher } = state;
  await writeSafetensors(sink, tensorsName, toTensors(state));
  const json = {
    formatVersion,
    step,
    skippedSteps,
    dataFingerprint,
    processorFingerprint,
    promptsFingerprint,
    optimizer: { step: optimizer.step },
    ...(teacher && { teacher: { ...teacher, weights: Object.keys(teacher.weights) } }),
  };
  await sink.write(jsonName, `${JSON.stringify(json, null, 2)}\n`);
}

/** Reads what {@link saveTrainerState} wrote, bit for bit. @throws missing-file, invalid-data, unsupported */
export async function loadTrainerState(files: FileSource): Promise<TrainerState> {
  const json = (await readJson(files, jsonName)) as StateJson;
  if (json.formatVersion !== formatVersion) {
    throw new ImagineOpdError("unsupported", {
      where: "trainer.loadTrainerState",
      problem: `${jsonName} has format version ${json.formatVersion}, this version reads ${formatVersion}.`,
      remedy: "Resume with the version of the package that wrote it.",
    });
  }
  const stored = await openSafetensors(files, tensorsName);
  const read = async (name: string) => toFloat32(await stored.read(name));
  const prefix = "optimizer.first.";
  const names = [...stored.tensors.keys()]
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  const moments: Record<string, { shape: readonly number[]; first: Float32Array; second: Float32Array }> = {};
  for (const name of names) {
    const { shape } = stored.tensors.get(prefix + name)!;
    moments[name] = { shape, first: await read(prefix + name), second: await read(`optimizer.second.${name}`) };
  }
  const weights: Record<string, Float32Array> = {};
  for (const name of json.teacher?.weights ?? []) weights[name] = await read(`teacher.${name}`);
  return {
    step: json.step,
    skippedSteps: json.skippedSteps,
    dataFingerprint: json.dataFingerprint,
    processorFingerprint: json.processorFingerprint,
    promptsFingerprint: json.promptsFingerprint,
    optimizer: { step: json.optimizer.step, moments },
    teacher: json.teacher === undefined ? undefined : { ...json.teacher, weights },
  };
}
