// Takes the programs out of a README: what it says to install, what it says to run, what it says comes out.
import { transform } from "esbuild";

/** Every fenced block as `{ language, text }`, in order. */
function fencedBlocks(markdown) {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({ language, text }));
}

/** Package names of all `npm i …` lines, versions left out. */
export function installedNames(markdown) {
  const lines = fencedBlocks(markdown)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.split("\n"))
    .filter((line) => line.startsWith("npm i "));
  const names = lines.flatMap((line) => line.replace(/#.*/, "").trim().slice("npm i ".length).split(/\s+/));
  return [...new Set(names.filter((name) => !name.startsWith("-")).map((name) => name.replace(/(?<=.)@[^@/]*$/, "")))];
}

/** The programs that are followed at once by their output: `{ program, output }`, TypeScript without its types. */
export async function readmePrograms(markdown) {
  const blocks = fencedBlocks(markdown);
  const programs = [];
  for (const [i, { language, text }] of blocks.entries()) {
    const next = blocks[i + 1];
    if (!["js", "ts"].includes(language) || next === undefined || !["", "text"].includes(next.language)) continue;
    const program = language === "js" ? text : (await transform(text, { loader: "ts" })).code;
    programs.push({ program, output: next.text.trimEnd() });
  }
  return programs;
}

/** What a README says its program needs that cannot be had here: `<!-- needs a checkpoint -->`. */
export function neededThing(markdown) {
  return /^<!-- needs (.+?) -->$/m.exec(markdown)?.[1];
}

/**
 * The same program as a CommonJS script: `import` declarations become `require`, everything else moves into one asynchronous
 * function, since CommonJS knows no `await` at the top.
 */
export function toCommonJs(program) {
  const requires = [];
  const body = program.replace(
    /^import\s+(?:(?:\*\s+as\s+(\w+)|(\{[^}]*\})|(\w+))\s+from\s+)?"([^"]+)";?$/gm,
    (_all, namespace, named, single, specifier) => {
      const source = `require("${specifier}")`;
      if (namespace !== undefined) requires.push(`const ${namespace} = ${source};`);
      else if (named !== undefined)
        requires.push(`const ${named.replace(/(\w+)\s+as\s+(\w+)/g, "$1: $2")} = ${source};`);
      else if (single !== undefined) requires.push(`const ${single} = ${source}.default;`);
      else requires.push(`${source};`);
      return "";
    },
  );
  return `"use strict";\n${requires.join("\n")}\n(async () => {\n${body}\n})();\n`;
}
