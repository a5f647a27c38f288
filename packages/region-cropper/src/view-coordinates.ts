import type { RegionBox } from "@imagine-opd/protocol";
import type { ViewProvenance } from "./evidence-view.ts";

type ViewFrame = Pick<ViewProvenance, "pixelBox" | "scale">;

/** A box in pixels of a view, in pixels of the picture: `pixelBox.left + x / scale.x`. Not rounded, not clamped. */
export function toImageBox(box: RegionBox, { pixelBox, scale }: ViewFrame): RegionBox {
  return {
    left: pixelBox.left + box.left / scale.x,
    top: pixelBox.top + box.top / scale.y,
    right: pixelBox.left + box.right / scale.x,
    bottom: pixelBox.top + box.bottom / scale.y,
  };
}

/** A box in pixels of the picture, in pixels of a view: `(x - pixelBox.left) * scale.x`. Not rounded, not clamped. */
export function toViewBox(box: RegionBox, { pixelBox, scale }: ViewFrame): RegionBox {
  return {
    left: (box.left - pixelBox.left) * scale.x,
    top: (box.top - pixelBox.top) * scale.y,
    right: (box.right - pixelBox.left) * scale.x,
    bottom: (box.bottom - pixelBox.top) * scale.y,
  };
}
