import { expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";
import { encodeEventFileStart, encodeStepEvent } from "./event-file.ts";
import { frameRecord } from "./tf-record.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("checksums of RFC 3720, appendix B.4", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(Uint8Array.from(ascending).reverse())).toBe(0x113fdb5c);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array())).toBe(0);
});

// Written by RecordWriter and the protocol buffers of Python's tensorboard 2.21.0 from the same values.
const golden = {
  start: "1800000000000000a37f4b220900001060b813da411a0d627261696e2e4576656e743a32150f8ae4",
  step:
    "8a00000000000000adbb77570900006060b813da4110012a7d0a180a117369676e616c2f6279446563696c652f30150000003f0a180a11" +
    "7369676e616c2f6279446563696c652f3115000000c00a190a127369676e616c2f6b31546f6b656e4d65616e15cdcccc3d0a150a0e6f70" +
    "74696d697365722f6c6f7373156042a20d0a150a0e73797374656d2f7365636f6e647315b6e640466b49793c",
  lateStep:
    "3c00000000000000c8b7a3520900008060b813da411080bcc1960b2a2b0a140a0d7461736b2f616363757261637915000000000a130a0c" +
    "7461736b2f6772c3b6c39f65150000c0bf7c9c1777",
};

test("records are TensorBoard's own, byte for byte", () => {
  expect(hex(encodeEventFileStart(1750000000.25))).toBe(golden.start);
  const step = {
    step: 1,
    system: { seconds: 12345.678 },
    optimiser: { loss: 1e-30 },
    signal: { k1TokenMean: 0.1, byDecile: [0.5, -2] },
  };
  expect(hex(encodeStepEvent(step, 1750000001.5))).toBe(golden.step);
  expect(hex(encodeStepEvent({ step: 3_000_000_000, task: { größe: -1.5, accuracy: 0 } }, 1750000002))).toBe(
    golden.lateStep,
  );
});

test("what was not finite is NaN, what was not logged is not there", () => {
  const bytes = encodeStepEvent({ step: 1, task: { accuracy: null, other: undefined } }, 1);
  expect(hex(bytes)).toContain(`${hex(new TextEncoder().encode("task/accuracy"))}150000c07f`);
  expect(hex(bytes)).not.toContain(hex(new TextEncoder().encode("other")));
});

test("an empty record is a frame around nothing", () => {
  expect(frameRecord(new Uint8Array())).toHaveLength(16);
});

test("a step or a time that cannot be stored is refused", () => {
  expect(() => encodeStepEvent({ step: -1 }, 1)).toThrow(
    "run-log.encodeStepEvent: `step` must be a whole number from 0, got -1.",
  );
  expect(() => encodeEventFileStart(Number.NaN)).toThrow("run-log.encodeEventFileStart: `wallTime` must be seconds");
});
