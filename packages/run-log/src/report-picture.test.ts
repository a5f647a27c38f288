import { expect, test } from "vitest";
import { renderPicture } from "./report-picture.ts";

const address = "data:image/png;base64,iVBORw0KGgo=";
const box = { left: 10, top: 20, right: 40, bottom: 60 };

test("boxes lie over the picture in its own pixels", () => {
  const html = renderPicture({ address, width: 256, height: 128, boxes: [box] }, "samples[0].image", "a picture");
  expect(html).toContain(`<img src="${address}" width="256" height="128" alt="a picture">`);
  expect(html).toContain('<svg viewBox="0 0 256 128" aria-hidden="true">');
  expect(html).toContain('<rect class="over" x="10" y="20" width="30" height="40"/>');
  expect(renderPicture({ address, width: 1, height: 1 }, "p", "")).not.toContain("<svg");
});

test.each([
  "https://example.org/a.png",
  "data:image/svg+xml;base64,AAAA",
  'data:image/png;base64,AA" onload="x',
  "data:text/html;base64,AAAA",
])("the picture %s is refused", (bad) => {
  expect(() => renderPicture({ address: bad, width: 1, height: 1 }, "samples[3].views[1]", "")).toThrow(
    "run-log.renderReport: `samples[3].views[1].address` must be a PNG, JPEG or WebP",
  );
});

test("sides and boxes that cannot be drawn are refused", () => {
  expect(() => renderPicture({ address, width: Number.NaN, height: 1 }, "p", "")).toThrow(
    "`p` must have sides in pixels, got NaN x 1",
  );
  for (const bad of [
    { ...box, left: Number.NaN },
    { ...box, right: 10 },
    { ...box, bottom: Infinity },
  ]) {
    expect(() => renderPicture({ address, width: 9, height: 9, boxes: [box, bad] }, "p", "")).toThrow(
      "`p.boxes[1]` must be a box with left < right and top < bottom",
    );
  }
});
