export { decodeImage } from "./browser/decode-image.ts";
export { openBlobs } from "./browser/open-blobs.ts";
export { openUrl, type UrlOptions } from "./browser/open-url.ts";
