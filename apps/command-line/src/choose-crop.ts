import type { CropOptions } from "@imagine-opd/region-cropper";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";

export interface ViewOptions {
  /** @default square without image splitting, else box */
  readonly viewShape?: "box" | "square";
  /** Side of a square view, pixels. @default the model's tile without image splitting, else by area */
  readonly viewSize?: number;
  /** Context on each side of a region, as a share of its side. @default 0.1 */
  readonly viewPadding?: number;
}

/** Without splitting every view is squashed into one square tile, so it is cut square and made just that large. */
export function chooseCrop(
  { viewShape, viewSize, viewPadding = 0.1 }: ViewOptions,
  { processor }: Pick<VisionLanguageModel, "processor">,
): CropOptions {
  const { splitting, tileSize } = processor.imageSettings;
  const shape = viewShape ?? (splitting === "off" ? "square" : "box");
  const size = viewSize ?? (splitting === "off" && shape === "square" ? tileSize : undefined);
  return {
    padding: viewPadding,
    shape,
    ...(size !== undefined && { output: { kind: "fixed", width: size, height: size } as const }),
    dedupeIou: "off",
    maxViews: "all",
  };
}
