import type { LocatedRegion } from "./locate-regions.ts";

/**
 * The regions in lines from top to bottom, each line from left to right. A box belongs to a line when its centre lies above
 * the bottom of the line's highest box.
 */
export function sortForReading(regions: readonly LocatedRegion[]): LocatedRegion[] {
  let rest = [...regions].sort((a, b) => a.box.top - b.box.top);
  const sorted: LocatedRegion[] = [];
  while (rest.length > 0) {
    const lineBottom = rest[0]!.box.bottom;
    const isInLine = ({ box }: LocatedRegion): boolean => (box.top + box.bottom) / 2 < lineBottom;
    sorted.push(...rest.filter(isInLine).sort((a, b) => a.box.left - b.box.left));
    rest = rest.filter((region) => !isInLine(region));
  }
  return sorted;
}
