/** A point of a line that is there. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The mean of each point and up to `reach` neighbours on each side; at the ends fewer, never others. */
export function movingMean(points: readonly Point[], reach: number): Point[] {
  return points.map(({ x }, index) => {
    const near = points.slice(Math.max(0, index - reach), index + reach + 1);
    return { x, y: near.reduce((sum, { y }) => sum + y, 0) / near.length };
  });
}
