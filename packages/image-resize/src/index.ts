export { cropImage } from "./crop-image.ts";
export type { ResizeFilter } from "./resize-filter.ts";
export { type ImageSize, type ResizeOptions, resizeImage } from "./resize-image.ts";
