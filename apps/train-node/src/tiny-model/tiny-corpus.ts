import { promptTemplates, renderTemplate } from "@imagine-opd/imagination-prompts";
import {
  columnWords,
  generateScene,
  rowWords,
  sceneFamilies,
  signColours,
  signShapes,
} from "@imagine-opd/region-datasets";

/** Every text that a tiny model must read or write, so that its words become single tokens. */
export function tinyCorpus(): readonly string[] {
  const templates = (
    ["student", "studentPlain", "teacherViews", "teacherAnswer", "teacherViewsAnswer", "direct"] as const
  ).map((name) => renderTemplate(promptTemplates, name));
  const questions = sceneFamilies.flatMap((family) =>
    Array.from({ length: 200 }, (_, index) => generateScene(0, index, { family }).question),
  );
  const words = [...signColours, ...signShapes, ...rowWords, ...columnWords];
  return [
    ...templates,
    ...questions,
    ...words.map((word) => ` ${word}`),
    // An answer begins right after its tag.
    ...signColours,
    // What the warm-up asks and answers.
    "read the sign list the colour shape digit of every cell where is every sign read all signs empty ,",
    " Looking at the top left and the , the red circle sign signs matter matters . I mentally zoom in on it them . I see the digit",
    "User: Assistant: System:\n\n <answer></answer> Labelled answer:",
  ];
}
