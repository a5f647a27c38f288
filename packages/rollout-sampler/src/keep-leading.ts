const bucketCount = 512;
/** So few are sorted outright. */
const sortedAtOnce = 64;

/**
 * Zeroes, in `[V]` weights, everything after the first entries in the order of falling scores, ties to the lower id, whose
 * amounts reach the target: the one that reaches it stays. An entry's amount is 1 (`count`) or its weight (`mass`). Entries
 * of weight 0 take no part. O(V): entries are spread over buckets of equal score ranges, and only the bucket in which the
 * target is reached is looked at more closely.
 * @param ids `[V]` scratch
 */
export function keepLeading(
  scores: ArrayLike<number>,
  weights: Float64Array,
  amount: "count" | "mass",
  target: number,
  ids: Int32Array,
): void {
  let count = 0;
  for (let id = 0; id < weights.length; id++) if (weights[id]! > 0) ids[count++] = id;
  const amounts = new Float64Array(bucketCount);
  let reached = 0;
  let ordered = false;
  while (count > sortedAtOnce) {
    const { low, high } = findRange(scores, ids, count);
    ordered = low === high; // `ids` ascend
    const scale = (bucketCount - 1) / (high - low);
    if (!Number.isFinite(scale)) break;
    const bucketOf = (id: number): number => Math.floor((high - scores[id]!) * scale);
    amounts.fill(0);
    for (let i = 0; i < count; i++) amounts[bucketOf(ids[i]!)]! += amount === "count" ? 1 : weights[ids[i]!]!;
    let crossing = 0;
    while (crossing < bucketCount - 1 && reached + amounts[crossing]! < target) reached += amounts[crossing++]!;
    let next = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const bucket = bucketOf(id);
      if (bucket === crossing) ids[next++] = id;
      else if (bucket > crossing) weights[id] = 0;
    }
    count = next;
  }
  const rest = ids.subarray(0, count);
  if (!ordered) rest.sort((a, b) => scores[b]! - scores[a]! || a - b);
  for (const id of rest) {
    if (reached >= target) weights[id] = 0;
    else reached += amount === "count" ? 1 : weights[id]!;
  }
}

function findRange(scores: ArrayLike<number>, ids: Int32Array, count: number): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    const score = scores[ids[i]!]!;
    if (score < low) low = score;
    if (score > high) high = score;
  }
  return { low, high };
}
