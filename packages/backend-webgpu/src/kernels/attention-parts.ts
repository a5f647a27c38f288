/**
 * What an attention program computes. The first three hold rows of queries and go over the keys, the last two hold rows of
 * keys and go over the queries:
 * - `output`: attention itself, `Σⱼ pⱼ vⱼ`
 * - `statistics`: of each query its largest score, `1 / Σⱼ exp(sⱼ − largest)`, and `Σⱼ pⱼ (dy · vⱼ)`
 * - `queries`, `keys`, `values`: the gradients in q, k and v
 */
export type AttentionPart = "output" | "statistics" | "queries" | "keys" | "values";

/** The text of an attention program where parts differ. Each is WGSL unless said otherwise. */
export interface PartText {
  /** Whose rows the workgroup holds. */
  readonly side: "queries" | "keys";
  /** Inputs that the held rows are of, and those that the tiles are of. The first of each make the score. */
  readonly held: readonly string[];
  readonly tiles: readonly [first: string, second: string];
  /** Before the walk. */
  readonly start: string;
  /** The largest score of a query, as far as it is known when a tile begins. */
  readonly reference: string;
  /** Sets `weight` from `score` and, where two inputs are held, `slope`, the derivative in the weight. */
  readonly weigh: string;
  /** Which tile's rows are added up, times their weights; none where only `finish` writes. */
  readonly sum?: "first" | "second";
  /** Number that each sum is multiplied with. */
  readonly factor?: string;
  /** What is written where nothing is added up. */
  readonly finish?: string;
}

/** The softmax's numbers follow the largest score so far (Milakov and Gimelshein, arXiv 1805.02867). */
const followLargest = (rescale: string): string => `
  if (score > largest) {
    let kept = exp(largest - score);
    largest = score;
    weights *= kept;
    ${rescale}
  }
  let weight = exp(score - largest);
  weights += weight;`;

const ownStatistics = `
  let known = vec3<f32>(statistics[3 * heldRow], statistics[3 * heldRow + 1], statistics[3 * heldRow + 2]);`;

const startFollowing = "var largest = -1e30; var weights = 0.0; var before = largest;";

export const attentionParts: Readonly<Record<AttentionPart, PartText>> = {
  output: {
    side: "queries",
    held: ["q"],
    tiles: ["k", "v"],
    start: startFollowing,
    reference: "before",
    weigh: followLargest("for (var c = 0; c < width; c++) { total[c] *= kept; }"),
    sum: "second",
    factor: "1 / weights",
  },
  statistics: {
    side: "queries",
    held: ["q", "dy"],
    tiles: ["k", "v"],
    start: `${startFollowing} var slopes = 0.0;`,
    reference: "before",
    weigh: `${followLargest("slopes *= kept;")} slopes += weight * slope;`,
    finish: `
      if (thread % lanes > 0) { return; }
      result[3 * heldRow] = largest;
      result[3 * heldRow + 1] = 1 / weights;
      result[3 * heldRow + 2] = slopes / weights;`,
  },
  queries: {
    side: "queries",
    held: ["q", "dy"],
    tiles: ["k", "v"],
    start: ownStatistics,
    reference: "known.x",
    weigh: "let weight = exp(score - known.x) * known.y * (slope - known.z);",
    sum: "first",
    factor: "uniforms.scale",
  },
  keys: {
    side: "keys",
    held: ["k", "v"],
    tiles: ["q", "dy"],
    start: "",
    reference: "tileStatistics[j].x",
    weigh: "let about = tileStatistics[j]; let weight = exp(score - about.x) * about.y * (slope - about.z);",
    sum: "first",
    factor: "uniforms.scale",
  },
  values: {
    side: "keys",
    held: ["k"],
    tiles: ["q", "dy"],
    start: "",
    reference: "tileStatistics[j].x",
    weigh: "let about = tileStatistics[j]; let weight = exp(score - about.x) * about.y;",
    sum: "second",
  },
};
