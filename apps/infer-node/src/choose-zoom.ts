import { chooseCrop } from "@imagine-opd/command-line";
import type { ZoomWords } from "@imagine-opd/evaluation";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { CropOptions } from "@imagine-opd/region-cropper";
import { columnWords, rowWords } from "@imagine-opd/region-datasets";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import type { EvaluateOptions } from "./evaluate-options.ts";

/** `cells`: the row and column words of the procedural scenes. The others are spaces that boxes are written in. */
export const zoomBys = ["cells", "pixel", "xywh-pixel", "unit", "norm1000", "yxyx1000"] as const;
export type ZoomBy = (typeof zoomBys)[number];

/**
 * How the model names regions in mode `zoom`; `undefined` in the other modes.
 * @throws invalid-argument when neither the option nor the format says how, and when another mode is given the option
 */
export function chooseZoom({
  mode,
  zoomBy,
  format,
}: Pick<EvaluateOptions, "mode" | "zoomBy" | "format">): ZoomWords | undefined {
  if (mode !== "zoom") {
    if (zoomBy !== undefined) throw refused(`--zoom-by belongs to --mode zoom, got --mode ${mode}.`);
    return undefined;
  }
  const by = zoomBy ?? (format === "scenes" ? "cells" : undefined);
  if (by === undefined) throw refused("--mode zoom needs --zoom-by: how this model writes where to look.");
  return by === "cells" ? { kind: "cells", rows: rowWords, columns: columnWords } : { kind: "box", space: by };
}

/** Cut as evidence views are; a cell without context, because it is loose already. At most four regions a question. */
export function chooseZoomCrop({ kind }: ZoomWords, model: Pick<VisionLanguageModel, "processor">): CropOptions {
  return { ...chooseCrop(kind === "cells" ? { viewPadding: 0 } : {}, model), maxViews: 4 };
}

function refused(problem: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", { where: "infer-node.evaluate", problem });
}
