import { ImagineOpdError } from "@imagine-opd/protocol";
import { fields } from "./deviation-fields.ts";
import type { Deviation, Preset } from "./presets.ts";

/** Names that {@link deviate} takes. */
export const deviationFields: readonly string[] = Object.keys(fields);

/**
 * Changes fields of a preset. This is the only way to change one, so that every difference is declared and recorded: the
 * preset's own departures first, then the declared changes in their order, then what they brought with them.
 * @param changes `field=value` texts, for example `lr=5e-4`, `teacher=ema:0.05`, `divergence=jsd:0.5`
 * @throws invalid-argument for an unknown field or a value that does not fit
 */
export function deviate(preset: Preset, changes: readonly string[]): { preset: Preset; deviations: Deviation[] } {
  let result = preset;
  const declared: string[] = [];
  for (const change of changes) {
    const [name, ...rest] = change.split("=");
    const field = Object.hasOwn(fields, name!) ? fields[name!] : undefined;
    if (field === undefined || rest.length === 0) {
      throw new ImagineOpdError("invalid-argument", {
        where: "trainer.deviate",
        problem: `"${change}" is not a deviation.`,
        remedy: `Write field=value with one of the fields ${deviationFields.join(", ")}.`,
      });
    }
    result = field.write(result, rest.join("="));
    declared.push(name!);
  }
  return { preset: result, deviations: [...preset.departures, ...findDifferences(preset, result, declared)] };
}

/** Every field in which two presets differ, the named ones first. */
function findDifferences(published: Preset, changed: Preset, first: readonly string[]): Deviation[] {
  const names = new Set([...first, ...deviationFields]);
  return [...names].flatMap((field) => {
    const [preset, value] = [published, changed].map((each) => String(fields[field]!.read(each) ?? "off"));
    return preset === value ? [] : [{ field, preset: preset!, value: value! }];
  });
}
