import { ImagineOpdError } from "@imagine-opd/protocol";
import type { ScoredSequence } from "@imagine-opd/protocol/policy";
import type { ScoreRequest, Teacher, TeacherScores } from "./teacher.ts";

export interface CacheScoresOptions {
  /** Completions whose scores are kept; the one that was asked for longest ago goes first. */
  readonly maxEntries: number;
}

/** A teacher that remembers what it said. */
export interface CachedTeacher extends Teacher {
  readonly cache: {
    /** Completions that were answered from memory, and that had to be scored. */
    readonly hits: number;
    readonly misses: number;
    readonly entries: number;
  };
}

/** A completion's scores: typed arrays with the same number of entries for each token. */
type Entry = Readonly<Record<string, Float32Array | Int32Array>>;

/**
 * A frozen teacher with a bounded memory of its typed-array scores, for sweeps that ask about the same completions again.
 * The key is the whole question: prompt ids and pictures (so the record and its views), completion, and what is asked.
 * States are not kept. Disposing it disposes the teacher.
 * @throws invalid-argument for a teacher that is not frozen, whose scores change, or a size below 1
 */
export function cacheScores(teacher: Teacher, { maxEntries }: CacheScoresOptions): CachedTeacher {
  const where = "privileged-teacher.cacheScores";
  if (teacher.kind.kind !== "frozen") {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `only the scores of a frozen teacher stay valid, this one is "${teacher.kind.kind}".`,
    });
  }
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `\`maxEntries\` must be an integer ≥ 1, got ${maxEntries}.`,
    });
  }
  const entries = new Map<string, Entry>();
  let hits = 0;
  let misses = 0;
  const remember = (key: string, entry: Entry): void => {
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > maxEntries) entries.delete(entries.keys().next().value!);
  };
  const lookUp = async (sequences: readonly ScoredSequence[], ask: Exclude<ScoreRequest, { want: "states" }>) => {
    const keys = sequences.map((sequence) => keyOf(sequence, ask));
    const missing = sequences.filter((_, i) => !entries.has(keys[i]!));
    misses += missing.length;
    hits += sequences.length - missing.length;
    const scored = missing.length === 0 ? [] : splitScores(await teacher.score(missing, ask));
    let next = 0;
    const answers = sequences.map((_, i) => entries.get(keys[i]!) ?? scored[next++]!);
    for (const [i, answer] of answers.entries()) remember(keys[i]!, answer);
    return joinScores(answers, sequences);
  };
  return {
    ...teacher,
    get weights() {
      return teacher.weights;
    },
    get cache() {
      return { hits, misses, entries: entries.size };
    },
    async score<Request extends ScoreRequest>(sequences: readonly ScoredSequence[], ask: Request) {
      const direct = ask.want === "states" || sequences.every(({ completion }) => completion.length === 0);
      const scores = direct ? await teacher.score(sequences, ask) : await lookUp(sequences, ask);
      return scores as TeacherScores[Request["want"]];
    },
    importState(state) {
      teacher.importState(state);
      entries.clear();
    },
    dispose() {
      entries.clear();
      teacher.dispose();
    },
  };
}

function keyOf({ prompt, completion }: ScoredSequence, ask: Exclude<ScoreRequest, { want: "states" }>): string {
  const { want, temperature = 1, banned = [] } = ask;
  const question = [want, want === "top-k" ? ask.k : "", temperature, banned.join()];
  return [...question, prompt.tokenIds.join(), ...prompt.patches.map(({ key }) => key), completion.join()].join("|");
}

/** One entry a sequence, copied, so that the batch's arrays can go. */
function splitScores({ lengths, ...arrays }: TeacherScores[Exclude<keyof TeacherScores, "states">]): Entry[] {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  let from = 0;
  return Array.from(lengths, (length) => {
    const start = from;
    from += length;
    const cut = (values: Float32Array | Int32Array) => {
      const perToken = values.length / tokens;
      return values.slice(start * perToken, from * perToken);
    };
    return Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, cut(values)]));
  });
}

function joinScores(answers: readonly Entry[], sequences: readonly ScoredSequence[]) {
  const joined = Object.keys(answers[0]!).map((name) => {
    const parts = answers.map((answer) => answer[name]!);
    const make = parts[0] instanceof Int32Array ? Int32Array : Float32Array;
    return [name, make.from(parts.flatMap((part) => [...part]))] as const;
  });
  const lengths = Int32Array.from(sequences, ({ completion }) => completion.length);
  return { ...Object.fromEntries(joined), lengths };
}
