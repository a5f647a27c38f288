import { type EncodedPrompt, ImagineOpdError, type Processor } from "@imagine-opd/protocol";

/**
 * Ids with which every prompt of a processor ends, whatever was asked: the end of the user's turn and the assistant's
 * header, at which the completion begins. Empty for a template without any.
 */
export function findAssistantPrefix(processor: Processor): Int32Array {
  const [a, b] = ["a", "b"].map(
    (text) => processor.encode([{ role: "user", content: [{ type: "text", text }] }]).tokenIds,
  ) as [Int32Array, Int32Array];
  let shared = 0;
  while (shared < Math.min(a.length, b.length) && a.at(-1 - shared) === b.at(-1 - shared)) shared += 1;
  return a.slice(a.length - shared);
}

/** @throws mismatch when a prompt does not end with the prefix */
export function checkAssistantPrefix(
  { tokenIds }: EncodedPrompt,
  prefix: Int32Array,
  at: { readonly where: string; readonly whose: string; readonly recordId: string },
): void {
  const end = tokenIds.subarray(Math.max(0, tokenIds.length - prefix.length));
  if (end.join() === prefix.join()) return;
  throw new ImagineOpdError("mismatch", {
    where: at.where,
    problem: `the ${at.whose}'s prompt of record "${at.recordId}" must end with the assistant's header [${prefix}], got [${end}].`,
    remedy: "Render both prompts by the same template, with a generation prompt and nothing after it.",
    details: { recordId: at.recordId, expected: [...prefix], got: [...end] },
  });
}
