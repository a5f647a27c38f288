import { ImagineOpdError } from "@imagine-opd/protocol";

/** A text with named slots such as `{example}`. Raise `version` with every change of `text`. */
export interface PromptTemplate {
  readonly id: string;
  readonly version: number;
  /** A slot names another template or a value of the caller. Text without slots is taken as it is. */
  readonly text: string;
}

/** Every text that the renderers use. A system template whose text is empty gives no system turn. */
export interface PromptTemplates {
  /** Part: what to do. */
  readonly task: PromptTemplate;
  /** Part: how to imagine a closer look. */
  readonly imagination: PromptTemplate;
  /** Part: one worked trajectory in the four moves, the same for student and teacher. */
  readonly example: PromptTemplate;
  /** Part: how to end. */
  readonly ending: PromptTemplate;
  /** Part: what the pictures after the question are, and how to keep silent about them. */
  readonly hiddenViews: PromptTemplate;
  /** Part: what the labelled answer is for, and how to keep silent about it. */
  readonly hiddenAnswer: PromptTemplate;
  /** Part: stands in the place of `hiddenAnswer` where a reference solution is revealed. */
  readonly hiddenSolution: PromptTemplate;
  /** Part: stands in the place of `hiddenAnswer` where a successful attempt is shown. */
  readonly hiddenDemonstration: PromptTemplate;
  /** System turn of the student. */
  readonly student: PromptTemplate;
  /** System turn of the student that may not imagine. */
  readonly studentPlain: PromptTemplate;
  /** System turn of the teacher that sees views. */
  readonly teacherViews: PromptTemplate;
  /** System turn of the teacher that sees the labelled answer, or what stands in its place. */
  readonly teacherAnswer: PromptTemplate;
  /** System turn of the teacher that sees both. */
  readonly teacherViewsAnswer: PromptTemplate;
  /** System turn that asks for the answer alone. */
  readonly direct: PromptTemplate;
  /** One option of a multiple-choice question; slots `key`, `text`. */
  readonly choice: PromptTemplate;
  /** What stands behind the views when the answer is revealed; slot `answer`. */
  readonly answerLabel: PromptTemplate;
  /** The same for a reference solution; slot `answer`. */
  readonly solutionLabel: PromptTemplate;
  /** The same for a successful attempt; slot `answer`. */
  readonly demonstrationLabel: PromptTemplate;
}

/**
 * The text of one template with its slots filled: by `values` first, else by the template of that name, filled likewise.
 * Values are inserted verbatim, braces and all.
 * @throws invalid-argument for a slot that nothing fills and for templates that contain each other
 */
export function renderTemplate(
  templates: PromptTemplates,
  name: keyof PromptTemplates,
  values: Readonly<Record<string, string>> = {},
): string {
  return fillSlots(templates, [name], values);
}

function fillSlots(
  templates: PromptTemplates,
  path: readonly (keyof PromptTemplates)[],
  values: Readonly<Record<string, string>>,
): string {
  const current = path.at(-1)!;
  return templates[current].text.replaceAll(/\{(\w+)\}/g, (_, slot: string) => {
    if (Object.hasOwn(values, slot)) return values[slot]!;
    const name = slot as keyof PromptTemplates;
    if (!Object.hasOwn(templates, slot) || path.includes(name)) {
      throw new ImagineOpdError("invalid-argument", {
        where: "imagination-prompts.renderTemplate",
        problem: path.includes(name)
          ? `template "${current}" contains "${slot}", which contains it.`
          : `nothing fills the slot {${slot}} of template "${current}".`,
        remedy: `Known slots here: ${[...Object.keys(values), ...Object.keys(templates)].join(", ")}.`,
        details: { template: current, slot },
      });
    }
    return fillSlots(templates, [...path, name], values);
  });
}
