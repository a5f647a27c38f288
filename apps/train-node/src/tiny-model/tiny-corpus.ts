import { promptTemplates, renderTemplate } from "@imagine-opd/imagination-prompts";
import { columnWords, generateScene, rowWords, signColours, signShapes } from "@imagine-opd/region-datasets";

/** Every text that a tiny model must read or write, so that its words become single tokens. */
export function tinyCorpus(): readonly string[] {
  const templates = (
    ["student", "studentPlain", "teacherViews", "teacherAnswer", "teacherViewsAnswer", "direct"] as const
  ).map((name) => renderTemplate(promptTemplates, name));
  const questions = Array.from({ length: 200 }, (_, index) => generateScene(0, index).question);
  const words = [...signColours, ...signShapes, ...rowWords, ...columnWords];
  return [
    ...templates,
    ...questions,
    ...words.map((word) => ` ${word}`),
    "User: Assistant: System:\n\n <answer></answer> Labelled answer:",
  ];
}
