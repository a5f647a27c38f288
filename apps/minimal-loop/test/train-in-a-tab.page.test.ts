import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { missingForPage, openBrowser, type ServedPage, servePage } from "./serve-page.ts";

const missing = missingForPage();
if (missing !== undefined) process.stderr.write(`skipped: the page of minimal-loop, because ${missing}\n`);

// A software adapter computes about a thousand times slower than a graphics card.
const patience = 1_800_000;
let served: ServedPage;
let browser: Browser;
let complaints: string[];

async function openPage(from: Browser = browser): Promise<Page> {
  const page = await from.newPage();
  complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.setDefaultTimeout(patience);
  await page.goto(served.address);
  return page;
}

/** Fills the form by its labels and sends it with the keyboard. */
async function train(page: Page, job: Readonly<Record<string, number>>): Promise<void> {
  for (const [label, value] of Object.entries(job)) await page.getByLabel(label, { exact: true }).fill(`${value}`);
  await page.keyboard.press("Enter");
}

/** Waits for the status, or for an error, which is none that the test expects. */
async function waitForStatus(page: Page, text: RegExp): Promise<void> {
  const status = page.getByRole("status").filter({ hasText: text });
  await status
    .or(page.getByRole("alert").filter({ hasText: /./ }))
    .first()
    .waitFor();
  expect(await page.getByRole("alert").textContent()).toBe("");
}

const movesIn = (page: Page, id: string) => page.locator(`#${id} li b`).allTextContents();

beforeAll(async () => {
  if (missing !== undefined) return;
  served = await servePage();
  browser = await openBrowser("software");
}, patience);

afterAll(async () => {
  await browser?.close();
  await served?.close();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

describe.skipIf(missing !== undefined)("the page", () => {
  it("asks, trains twenty steps, asks again, and leaves no tensor on the device", { timeout: patience }, async () => {
    const page = await openPage();
    await train(page, { Scene: 3, Steps: 20, "Scenes a step": 2 });
    await waitForStatus(page, /^Done after 20 steps; tensors left on the device: 0\.$/);
    for (const id of ["before", "after"]) {
      const moves = await movesIn(page, id);
      expect(moves.slice(0, 3)).toEqual(["Locates", "Zooms in thought", "Sees"]);
      expect(moves[3]).toMatch(/^Answers: (right|wrong, it is \d)$/);
    }
    for (const id of ["raw", "mean"]) {
      const points = (await page.locator(`#${id}`).getAttribute("points"))!.split(" ");
      expect(points).toHaveLength(20);
      for (const point of points) expect(point).toMatch(/^[01](\.\d+)?,(0|1|0\.\d+)$/);
    }
    expect(await page.locator("#adapter").textContent()).toMatch(/a CPU in the GPU's place/);
    expect(complaints).toEqual([]);
    expect(page.workers()).toEqual([]);
  });

  it("says that the device was lost, starts again, and stops", { timeout: patience }, async () => {
    const page = await openPage();
    // The worker keeps its device within reach of the test.
    await page.route("**/worker-*.js", async (route) => {
      const response = await route.fetch();
      const keep = `const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...given) { return (globalThis.device = await request.apply(this, given)); };\n`;
      await route.fulfill({ response, body: keep + (await response.text()) });
    });
    await train(page, { Steps: 100, "Scenes a step": 1 });
    await page.locator("#before li").first().waitFor();
    await page.workers()[0]!.evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy());
    await page.getByRole("alert").filter({ hasText: "the GPU device is gone" }).waitFor();
    expect(await page.getByRole("status").textContent()).toBe("Stopped by an error.");

    await page.getByRole("button", { name: "Start again" }).press("Enter");
    expect(await page.getByRole("alert").textContent()).toBe("");
    await page.locator("#before li").first().waitFor();
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await waitForStatus(page, /^Done after 1 steps/);
    expect(await page.getByRole("button", { name: "Train" }).isEnabled()).toBe(true);
  });

  it("says what is missing where there is no adapter", { timeout: patience }, async () => {
    const without = await openBrowser("none");
    try {
      const page = await openPage(without);
      await page.getByRole("button", { name: "Train" }).click();
      await page
        .getByRole("alert")
        .filter({ hasText: /WebGPU is there, and it found no adapter|has no WebGPU/ })
        .waitFor();
      expect(await page.getByRole("button", { name: "Start again" }).isEnabled()).toBe(true);
    } finally {
      await without.close();
    }
  });

  it("shows another scene, refuses a bad number and fits on a phone", { timeout: patience }, async () => {
    const page = await openPage();
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    const question = await page.locator("#question").textContent();
    await train(page, { Scene: 1, Steps: 0 });
    expect(await page.locator("#question").textContent()).not.toBe(question);
    expect(await page.getByRole("status").textContent()).toBe("Nothing runs yet.");
    expect(complaints).toEqual([]);
  });
});
