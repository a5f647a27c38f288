/**
 * The ids in `ids[0 … count - 1]` from the largest score to the smallest, ties to the lower id, sorted only as far as they
 * are read: O(count) for the first one, O(log count) for each one after it. Reorders `ids`.
 */
export function* descendingIds(scores: Float32Array, ids: Int32Array, count: number): Generator<number> {
  const precedes = (a: number, b: number): boolean => scores[a]! > scores[b]! || (scores[a] === scores[b] && a < b);
  let size = count;
  // A binary heap: no parent comes after its children.
  const siftDown = (start: number): void => {
    const id = ids[start]!;
    let parent = start;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) break;
      if (child + 1 < size && precedes(ids[child + 1]!, ids[child]!)) child += 1;
      if (!precedes(ids[child]!, id)) break;
      ids[parent] = ids[child]!;
      parent = child;
    }
    ids[parent] = id;
  };
  for (let start = (size >> 1) - 1; start >= 0; start--) siftDown(start);
  while (size > 0) {
    const largest = ids[0]!;
    size -= 1;
    ids[0] = ids[size]!;
    siftDown(0);
    yield largest;
  }
}
