// Takes pictures of a report: npm run screenshots -- [--report FILE] [--out DIR]
// Laptop (1280 wide) and phone (390 wide), light and dark, by headless Chromium (CHROMIUM_PATH, else /usr/bin/chromium).
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright";

const screens = {
  laptop: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};
/** What each picture begins with, by the heading of the section; `undefined` is the top of the page. */
const scenes = { top: undefined, samples: "Samples", curves: "Curves" };

/** The report of the run that was written last. */
function findReport(parent = "runs") {
  const reports = (existsSync(parent) ? readdirSync(parent) : [])
    .map((name) => join(parent, name, "report.html"))
    .filter((file) => existsSync(file))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
  if (reports.length === 0) throw new Error(`no report under ${parent}/: run npm start first, or pass --report FILE`);
  return reports.at(-1);
}

/** Pictures of one screen in one colour scheme; sections that a report does not have are left out. */
async function photograph(browser, report, out, screen, colorScheme) {
  const context = await browser.newContext({ ...screens[screen], colorScheme, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(pathToFileURL(resolve(report)).href);
  for (const [scene, heading] of Object.entries(scenes)) {
    if (heading !== undefined) {
      const found = page.getByRole("heading", { level: 2, name: heading, exact: true });
      if ((await found.count()) === 0) continue;
      const box = await found.boundingBox();
      await page.mouse.wheel(0, box.y - 8);
      await page.waitForTimeout(300); // the wheel scrolls smoothly, and without scripts nothing tells when it is done
    }
    const path = join(out, `report-${scene}-${screen}-${colorScheme}.png`);
    await page.screenshot({ path });
    console.log(path);
  }
  await context.close();
}

const { values: options } = parseArgs({
  options: { report: { type: "string" }, out: { type: "string", default: "docs/screenshots" } },
});
const report = options.report ?? findReport();
mkdirSync(options.out, { recursive: true });
const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const screen of Object.keys(screens))
    for (const colorScheme of ["light", "dark"]) await photograph(browser, report, options.out, screen, colorScheme);
} finally {
  await browser.close();
}
