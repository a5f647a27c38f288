// Pictures of the page after a training: node scripts/run.mjs apps/minimal-loop/test/screenshots.ts [STEPS [SCENES]]
import { mkdir } from "node:fs/promises";
import { missingForPage, openBrowser, servePage } from "./serve-page.ts";

const missing = missingForPage();
if (missing !== undefined) throw new Error(missing);
const screens = {
  laptop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
};
const served = await servePage();
const browser = await openBrowser("software");
try {
  const page = await browser.newPage({ viewport: screens.laptop });
  page.setDefaultTimeout(3_600_000);
  await page.goto(served.address);
  await page.getByLabel("Steps", { exact: true }).fill(process.argv[2] ?? "20");
  await page.getByLabel("Scenes a step").fill(process.argv[3] ?? "2");
  await page.keyboard.press("Enter");
  await page
    .getByRole("status")
    .filter({ hasText: /^(Done|Stopped)/ })
    .waitFor();
  await mkdir("docs/screenshots", { recursive: true });
  for (const [screen, size] of Object.entries(screens)) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      const path = `docs/screenshots/minimal-loop-${screen}-${colorScheme}.png`;
      await page.screenshot({ path, fullPage: true });
      console.log(path);
    }
  }
} finally {
  await browser.close();
  await served.close();
}
