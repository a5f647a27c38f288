import { boxIou, enclosingBox } from "./box-overlap.ts";
import type { ViewNote } from "./evidence-view.ts";
import { dropRegion, type Located, type LocatedRegion } from "./locate-regions.ts";

/** Drops every region that overlaps an earlier kept one by an IoU of `threshold` or more. */
export function dropDuplicates(regions: readonly LocatedRegion[], threshold: number): Located {
  const located: LocatedRegion[] = [];
  const dropped: Located["dropped"][number][] = [];
  for (const region of regions) {
    const twin = located.find((kept) => boxIou(kept.box, region.box) >= threshold);
    if (twin === undefined) located.push(region);
    else dropped.push(dropRegion(region, "duplicate", { keptIndex: twin.regionIndex }));
  }
  return { located, dropped };
}

function mergeTwo(a: LocatedRegion, b: LocatedRegion): LocatedRegion {
  const earlier = a.regionIndex < b.regionIndex ? a : b;
  return {
    ...earlier,
    box: enclosingBox(a.box, b.box),
    notes: [...new Set<ViewNote>([...a.notes, ...b.notes, "merged"])],
    members: [...a.members, ...b.members],
  };
}

/**
 * Replaces regions that overlap by an IoU of `threshold` or more by their enclosing box, until no two do. The enclosing box
 * stands in the place of the first one.
 */
export function mergeRegions(regions: readonly LocatedRegion[], threshold: number): Located {
  const located: LocatedRegion[] = [];
  for (const region of regions) {
    let merged = region;
    const overlaps = (other: LocatedRegion): boolean => boxIou(other.box, merged.box) >= threshold;
    // A grown box can reach regions that neither of its parts did, so look again after each merge.
    for (let at = located.findIndex(overlaps); at >= 0; at = located.findIndex(overlaps)) {
      merged = mergeTwo(merged, located.splice(at, 1)[0]!);
    }
    located.push(merged);
  }
  located.sort((a, b) => a.regionIndex - b.regionIndex);
  const keptBy = new Map(located.flatMap(({ members, regionIndex }) => members.map((member) => [member, regionIndex])));
  const dropped = regions
    .filter(({ regionIndex }) => keptBy.get(regionIndex) !== regionIndex)
    .map((region) => dropRegion(region, "merged", { keptIndex: keptBy.get(region.regionIndex)! }));
  return { located, dropped };
}
