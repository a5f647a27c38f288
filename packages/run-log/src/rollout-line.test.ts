import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatRolloutLine } from "./rollout-line.ts";

const entry = { step: 1, recordId: "a", rolloutIndex: 0, question: "q", text: "t", stopReason: "length" as const };

test("32-bit log-probs read back exactly", () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })), (values) => {
      const logProbs = Float32Array.from(values, (value) => value + 0);
      const line = JSON.parse(formatRolloutLine({ ...entry, tokenIds: [], logProbs, teacherLogProbs: logProbs }));
      expect(Float32Array.from(line.logProbs)).toEqual(logProbs.map((value) => (value === 0 ? 0 : value)));
      expect(line.teacherLogProbs).toEqual(line.logProbs);
    }),
  );
});

test("what is absent is not written, and what is not finite is null", () => {
  expect(formatRolloutLine({ ...entry, tokenIds: [1], logProbs: [-Infinity] })).toBe(
    '{"step":1,"recordId":"a","rolloutIndex":0,"question":"q","text":"t","stopReason":"length","tokenIds":[1],"logProbs":[null]}',
  );
});
