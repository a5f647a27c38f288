import {
  type PrivilegedQuestion,
  type StudentMessageOptions,
  studentMessages,
  type TeacherMessageOptions,
  teacherMessages,
  type VisualQuestion,
} from "@imagine-opd/imagination-prompts";
import { type EncodedPrompt, ImagineOpdError, type Message, type Processor } from "@imagine-opd/protocol";

/**
 * The student's prompt, encoded: pictures and question only.
 * @throws what `studentMessages` throws; mismatch when the processor lost or added a picture
 */
export function studentPrompt(
  processor: Processor,
  question: VisualQuestion,
  options: StudentMessageOptions,
): EncodedPrompt {
  return encodeChecked(processor, studentMessages(question, options), "studentPrompt");
}

/**
 * The teacher's prompt, encoded: the student's user turn, then what `reveal` allows.
 * @throws what `teacherMessages` throws; mismatch when the processor lost or added a picture
 */
export function teacherPrompt(
  processor: Processor,
  question: PrivilegedQuestion,
  options: TeacherMessageOptions,
): EncodedPrompt {
  return encodeChecked(processor, teacherMessages(question, options), "teacherPrompt");
}

/** A picture that is dropped on the way would leave a teacher without its evidence, and nobody would notice. */
function encodeChecked(processor: Processor, messages: readonly Message[], caller: string): EncodedPrompt {
  const given = messages.flatMap(({ content }) => content).filter(({ type }) => type === "image").length;
  const encoded = processor.encode(messages);
  const { placeholderTokenIds } = processor;
  const placeholders = encoded.tokenIds.filter((id) => placeholderTokenIds.includes(id)).length;
  if (encoded.patches.length === given && placeholders >= given) return encoded;
  throw new ImagineOpdError("mismatch", {
    where: `privileged-teacher.${caller}`,
    problem: `${given} pictures were given, the processor encoded ${encoded.patches.length} with ${placeholders} placeholder tokens.`,
    remedy: "Use a processor whose chat template renders every image part.",
    details: { given, encoded: encoded.patches.length, placeholders },
  });
}
