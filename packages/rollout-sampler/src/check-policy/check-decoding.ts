import { type PolicyProperty, violate } from "./policy-report.ts";
import {
  compareNumbers,
  decodeLogits,
  idsAt,
  joinRows,
  type PolicyTrial,
  readTensor,
  scoreLogits,
  takeRow,
  withSession,
} from "./policy-trial.ts";

/** Each sequence's `[T · V]` logits, scored alone: what everything else is compared with. */
export type ExpectedLogits = readonly Float32Array[];

export async function scoreEachAlone({ policy, sequences }: PolicyTrial): Promise<ExpectedLogits> {
  const expected: Float32Array[] = [];
  for (const sequence of sequences) expected.push(await scoreLogits(policy, [sequence]));
  return expected;
}

/** Shapes, names and lengths are what the policy declares. */
export async function checkSizes({ policy, sequences }: PolicyTrial): Promise<number> {
  const { head, vocabSize, trainable } = policy;
  const property: PolicyProperty = "sizes";
  if (head.vocabSize !== vocabSize)
    violate(property, `policy.vocabSize is ${vocabSize}, policy.head.vocabSize ${head.vocabSize}.`);
  const unknown = head.trainable.find((name) => trainable[name] === undefined);
  if (unknown !== undefined) violate(property, `head.trainable names "${unknown}", which policy.trainable has not.`);
  const rows = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
  const states = policy.completionStates(sequences);
  const { shape } = states;
  if (shape.length !== 2 || shape[0] !== rows) {
    states.dispose();
    violate(property, `completionStates must give [${rows}, D] for ${rows} completion tokens, got [${shape}].`);
  }
  const logits = head.logits(states);
  const logitsShape = logits.shape.join();
  states.dispose();
  logits.dispose();
  if (logitsShape !== `${rows},${vocabSize}`)
    violate(property, `head.logits must give [${rows}, ${vocabSize}], got [${logitsShape}].`);
  await withSession(policy, sequences, {}, async (session) => {
    for (let step = 0; step < 2; step++) {
      const next = session.next(step === 0 ? undefined : idsAt(sequences, 0));
      const nextShape = next.shape.join();
      next.dispose();
      if (nextShape !== `${sequences.length},${vocabSize}`)
        violate(property, `next must give [${sequences.length}, ${vocabSize}], got [${nextShape}].`);
      const expected = sequences.map(({ prompt }) => prompt.tokenIds.length + step);
      if (session.lengths.join() !== expected.join())
        violate(property, `after ${step} tokens lengths must be [${expected}], got [${session.lengths}].`);
    }
  });
  return 0;
}

export async function compareCachedDecoding(trial: PolicyTrial, expected: ExpectedLogits): Promise<number> {
  let difference = 0;
  for (const [i, sequence] of trial.sequences.entries()) {
    const decoded = await decodeLogits(trial.policy, [sequence]);
    difference = Math.max(difference, compareNumbers(decoded, expected[i]!));
  }
  return difference;
}

export async function compareBatches({ policy, sequences }: PolicyTrial, expected: ExpectedLogits): Promise<number> {
  const alone = joinRows(expected);
  const scored = compareNumbers(await scoreLogits(policy, sequences), alone);
  return Math.max(scored, compareNumbers(await decodeLogits(policy, sequences), alone));
}

/** Takes the first step together, then goes on with the rows in reverse and the first one twice. */
export function compareSelected({ policy, sequences }: PolicyTrial, expected: ExpectedLogits): Promise<number> {
  const order = [...sequences.keys()].reverse().concat(0, 0);
  return withSession(policy, sequences, {}, async (session) => {
    session.next().dispose();
    session.select(Int32Array.from(order));
    const selected = order.map((row) => sequences[row]!);
    const logits = await readTensor(session.next(idsAt(selected, 0)));
    return compareNumbers(
      logits,
      rowsAfter(expected, order, () => 1, policy.vocabSize),
    );
  });
}

/** One step of the first row, then the others enter, then one step of all. */
export function compareAppended({ policy, sequences }: PolicyTrial, expected: ExpectedLogits): Promise<number> {
  const [first, ...later] = sequences;
  const rows = [...sequences.keys()];
  return withSession(policy, [first!], {}, async (session) => {
    session.next().dispose();
    session.next(idsAt([first!], 0)).dispose();
    const entered = await readTensor(session.append(later.map(({ prompt }) => prompt)));
    const fresh = compareNumbers(
      entered,
      rowsAfter(expected, rows.slice(1), () => 0, policy.vocabSize),
    );
    const ids = Int32Array.of(first!.completion[1]!, ...idsAt(later, 0));
    const together = await readTensor(session.next(ids));
    const position = (row: number) => (row === 0 ? 2 : 1);
    return Math.max(fresh, compareNumbers(together, rowsAfter(expected, rows, position, policy.vocabSize)));
  });
}

function rowsAfter(
  expected: ExpectedLogits,
  rows: readonly number[],
  position: (row: number) => number,
  vocabSize: number,
): Float32Array {
  return joinRows(rows.map((row) => takeRow(expected[row]!, position(row), vocabSize)));
}
