import { ImagineOpdError, type RgbImage } from "@imagine-opd/protocol";

/** A side of a picture in pixels: a positive integer. */
export function checkSide(name: string, value: number, where: string): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`${name}\` must be a positive integer number of pixels, got ${value}.`,
    details: { [name]: value },
  });
}

/** A picture whose bytes are as many as its sides say. */
export function checkImage(image: RgbImage, where: string): void {
  checkSide("image.width", image.width, where);
  checkSide("image.height", image.height, where);
  const expected = 3 * image.width * image.height;
  if (image.data.length === expected) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `a picture of ${image.width} x ${image.height} pixels needs ${expected} RGB bytes, got ${image.data.length}.`,
    remedy: "Drop the alpha channel and expand grey to three channels first.",
    details: { width: image.width, height: image.height, bytes: image.data.length },
  });
}
