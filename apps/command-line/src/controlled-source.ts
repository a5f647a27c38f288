import type { ExampleSource } from "@imagine-opd/protocol";
import { chooseDonor, controlViews, type ViewControl } from "@imagine-opd/region-cropper";

/** What a teacher may be shown instead of the evidence views. */
export const viewControls = ["shuffled", "blank", "noise", "none"] as const satisfies readonly ViewControl[];

/**
 * The same examples with other pictures in the place of their views. `none` is not among the controls here: a teacher that is
 * to see no view is told so by its prompt.
 */
export function createControlledSource(
  source: ExampleSource,
  control: Exclude<(typeof viewControls)[number], "none">,
  seed: number,
): ExampleSource {
  return {
    size: source.size,
    fingerprint: `${source.fingerprint} ${control} ${seed}`,
    async load(index, signal) {
      const example = await source.load(index, signal);
      const key = { seed, recordId: example.id };
      const donors =
        control === "shuffled" ? (await source.load(chooseDonor(index, source.size, key), signal)).views : undefined;
      const views = example.views.map((image) => ({ image }));
      const stand = controlViews(control, views, { ...key, image: example.images[0]!, ...(donors && { donors }) });
      return { ...example, views: stand.map(({ image }) => image) };
    },
  };
}
