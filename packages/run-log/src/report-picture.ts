import { ImagineOpdError, type RegionBox } from "@imagine-opd/protocol";
import { escapeHtml } from "./escape-html.ts";
import type { ReportPicture } from "./report-sample.ts";

/**
 * A picture with its boxes drawn on top.
 * @param name where it stands in the report, for errors
 * @throws invalid-argument for a picture that is not a base64 data address, sides that are no pixels, or a box that is not finite
 */
export function renderPicture(
  { address, width, height, boxes = [] }: ReportPicture,
  name: string,
  alt: string,
): string {
  if (!/^data:image\/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+=*$/.test(address)) {
    throw refused(
      `\`${name}.address\` must be a PNG, JPEG or WebP picture as a base64 data address, got "${address.slice(0, 40)}".`,
      "Encode the picture, or leave it out.",
    );
  }
  if (![width, height].every((side) => Number.isFinite(side) && side > 0)) {
    throw refused(
      `\`${name}\` must have sides in pixels, got ${width} x ${height}.`,
      "Give those of the annotated picture.",
    );
  }
  const marks = boxes.map((box, index) => renderBox(box, `${name}.boxes[${index}]`));
  const overlay =
    marks.length === 0 ? "" : `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">${marks.join("")}</svg>`;
  return (
    `<span class="picture"><img src="${address}" width="${width}" height="${height}" ` +
    `alt="${escapeHtml(alt)}">${overlay}</span>`
  );
}

/** A dark line under a light one: one of them shows on every picture. */
function renderBox({ left, top, right, bottom }: RegionBox, name: string): string {
  if (![left, top, right, bottom].every(Number.isFinite) || right <= left || bottom <= top) {
    throw refused(
      `\`${name}\` must be a box with left < right and top < bottom in pixels, got ${JSON.stringify({ left, top, right, bottom })}.`,
      "Leave boxes out that have no area.",
    );
  }
  const place = `x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"`;
  return `<rect class="under" ${place}/><rect class="over" ${place}/>`;
}

function refused(problem: string, remedy: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", { where: "run-log.renderReport", problem, remedy });
}
