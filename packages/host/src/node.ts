export { decodeImage } from "./node/decode-image.ts";
export { encodePng } from "./node/encode-png.ts";
export { type LineLog, openLineLog } from "./node/line-log.ts";
export { openDirectory } from "./node/open-directory.ts";
export { type ImageFileSize, readImageSize } from "./node/read-image-size.ts";
export { writeDirectory } from "./node/write-directory.ts";
