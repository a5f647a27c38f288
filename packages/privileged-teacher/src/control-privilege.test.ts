import { expect, test } from "vitest";
import { controlPrivilege, type TeacherControl } from "./control-privilege.ts";

const picture = (level: number) => ({ width: 1, height: 1, data: Uint8Array.of(level, level, level) });
const question = { images: [picture(1)], question: "What?", views: [picture(2), picture(3)], answer: "red" };
const both = { evidence: true, groundTruth: true };
const pictures = [picture(128), picture(128)];

test.each<TeacherControl>(["shuffled", "random-box", "blank", "noise"])(
  "%s: pictures in the place of the views",
  (control) => {
    expect(controlPrivilege(question, control, { reveal: both, pictures })).toEqual({
      question: { ...question, views: pictures },
      reveal: both,
    });
  },
);

test("answer-only shows the answer and no view, none shows neither", () => {
  const bare = { ...question, views: [] };
  const ofAnswer = controlPrivilege(question, "answer-only", { reveal: both });
  expect(ofAnswer).toEqual({ question: bare, reveal: { evidence: false, groundTruth: true } });
  const ofNone = controlPrivilege(question, "none", { reveal: both });
  expect(ofNone).toEqual({ question: bare, reveal: { evidence: false, groundTruth: false } });
});

test.each<[string, TeacherControl, Parameters<typeof controlPrivilege>[2]]>([
  ['the control "blank" needs `pictures`.', "blank", { reveal: both }],
  ['the control "none" shows no pictures, and some were given.', "none", { reveal: both, pictures }],
  [
    'the control "noise" replaces views, and reveal.evidence is false.',
    "noise",
    { reveal: { evidence: false, groundTruth: true }, pictures },
  ],
  [
    'the control "shuffled" needs a picture for each of 2 views, got 1.',
    "shuffled",
    { reveal: both, pictures: [picture(9)] },
  ],
  [
    'picture 1 of the control "random-box" is view 1 itself.',
    "random-box",
    { reveal: both, pictures: [picture(9), picture(3)] },
  ],
  [
    "`control` must be none, shuffled, random-box, blank, noise or answer-only, got true.",
    "true" as TeacherControl,
    { reveal: both },
  ],
])("refused: %s", (message, control, options) => {
  expect(() => controlPrivilege(question, control, options)).toThrow(`privileged-teacher.controlPrivilege: ${message}`);
});
