import { ImagineOpdError } from "@imagine-opd/protocol";
import type { LoggedStep } from "./read-metrics.ts";
import { metricGroups } from "./step-metrics.ts";
import { frameRecord } from "./tf-record.ts";

// Field numbers and wire types of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
const [varint, fixed64, lengthDelimited, fixed32] = [0, 1, 2, 5] as const;
const text = new TextEncoder();

/**
 * The first record of a TensorBoard event file. TensorBoard reads files whose names hold `tfevents`, for example
 * `events.out.tfevents.<seconds>.<run>`; a resumed run begins a file of its own in the same directory.
 * @param wallTime seconds since 1970
 */
export function encodeEventFileStart(wallTime: number): Uint8Array {
  return frameRecord(
    Uint8Array.from([
      ...wallTimeField(wallTime, "encodeEventFileStart"),
      ...delimited(3, text.encode("brain.Event:2")),
    ]),
  );
}

/**
 * One record with every number of a step as a scalar: tag `signal/k1TokenMean`; of a list `signal/byDecile/0` and so on.
 * `null`, which is what a number that was not finite is logged as, becomes NaN, which TensorBoard marks. Values are stored
 * as 32-bit floats.
 * @param wallTime seconds since 1970
 * @throws invalid-argument when step or time cannot be stored
 */
export function encodeStepEvent(metrics: LoggedStep, wallTime: number): Uint8Array {
  if (!Number.isSafeInteger(metrics.step) || metrics.step < 0) {
    throw refused("encodeStepEvent", `\`step\` must be a whole number from 0, got ${metrics.step}.`);
  }
  const values = listScalars(metrics).flatMap(([tag, value]) =>
    delimited(1, [...delimited(1, text.encode(tag)), ...floatField(2, value)]),
  );
  return frameRecord(
    Uint8Array.from([
      ...wallTimeField(wallTime, "encodeStepEvent"),
      ...key(2, varint),
      ...encodeVarint(metrics.step),
      ...delimited(5, values),
    ]),
  );
}

/** Tags in the order of `metrics.jsonl`. */
function listScalars(metrics: LoggedStep): [tag: string, value: number][] {
  return metricGroups.flatMap((group) =>
    Object.entries(metrics[group] ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, value]): [string, number][] => {
        if (value === undefined) return [];
        if (typeof value === "object" && value !== null)
          return value.map((item, i) => [`${group}/${name}/${i}`, item ?? Number.NaN]);
        return [[`${group}/${name}`, value ?? Number.NaN]];
      }),
  );
}

function wallTimeField(wallTime: number, caller: string): number[] {
  if (!Number.isFinite(wallTime)) throw refused(caller, `\`wallTime\` must be seconds since 1970, got ${wallTime}.`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, wallTime, true);
  return [...key(1, fixed64), ...bytes];
}

function floatField(field: number, value: number): number[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [...key(field, fixed32), ...bytes];
}

function delimited(field: number, content: ArrayLike<number>): number[] {
  return [...key(field, lengthDelimited), ...encodeVarint(content.length), ...Array.from(content)];
}

function key(field: number, wireType: number): number[] {
  return [(field << 3) | wireType];
}

/** Seven bits a byte, the lowest first. Division, because steps may exceed 32 bits. */
function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function refused(caller: string, problem: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", { where: `run-log.${caller}`, problem });
}
