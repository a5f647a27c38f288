// The public API of every package, one page each in docs/api, out of the sources that its package.json exports: node
// scripts/api-report.mjs. Names exports without a docstring. With --check nothing is written, and pages that are not current are errors.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const folder = "docs/api";
const source = "@imagine-opd/source";

/** Every public package with its entries, `[{ entry, file }]`. */
function readPackages() {
  return readdirSync("packages")
    .sort()
    .map((directory) => ({
      directory,
      ...JSON.parse(readFileSync(join("packages", directory, "package.json"), "utf8")),
    }))
    .filter((manifest) => !manifest.private)
    .map(({ directory, name, exports }) => ({
      directory,
      name,
      entries: Object.entries(exports).flatMap(([entry, conditions]) =>
        conditions[source] === undefined
          ? []
          : [{ entry: name + entry.slice(1), file: join("packages", directory, conditions[source]) }],
      ),
    }));
}

function openProgram(files) {
  const { config } = ts.readConfigFile("tsconfig.base.json", ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ".");
  return ts.createProgram(files, options);
}

const docOf = (node) => ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
const textOf = (node, from = node.getStart()) => node.getSourceFile().text.slice(from, node.end);

/** A member of a class as others see it, or nothing. */
function memberText(member) {
  const hidden = ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected);
  if (hidden || ts.isPrivateIdentifier(member.name ?? member)) return [];
  const head =
    member.body === undefined ? textOf(member) : member.getSourceFile().text.slice(member.getStart(), member.body.pos);
  const doc = docOf(member);
  return [`${doc === undefined ? "" : `${doc.getText()}\n  `}${head.trimEnd().replace(/;$/, "")};`];
}

/** The declaration without what it does. */
function signatureOf(node, checker) {
  if (ts.isFunctionDeclaration(node) && node.body !== undefined)
    return `${node.getSourceFile().text.slice(node.getStart(), node.body.pos).trimEnd()};`;
  if (ts.isClassDeclaration(node)) {
    const head = node.getSourceFile().text.slice(node.getStart(), node.members.pos);
    return `${head}\n  ${node.members.flatMap(memberText).join("\n  ")}\n}`;
  }
  if (ts.isVariableDeclaration(node)) {
    const type = node.type?.getText() ?? checker.typeToString(checker.getTypeAtLocation(node));
    return `export const ${node.name.getText()}: ${type};`;
  }
  return textOf(node);
}

/** The declarations of an export that are worth showing: of an overloaded function, not the one that implements it. */
function declarationsOf(symbol) {
  const all = symbol.declarations ?? [];
  return all.length > 1 ? all.filter((node) => !(ts.isFunctionDeclaration(node) && node.body !== undefined)) : all;
}

/** Options, whose name says what they are of. */
function explainsMembers(node) {
  return ts.isInterfaceDeclaration(node) && node.members.length > 0 && node.members.every((member) => docOf(member));
}

/** One export as Markdown, and whether it says what it is. */
function describeExport(symbol, directory, checker) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const nodes = declarationsOf(target);
  const file = nodes[0].getSourceFile().fileName;
  const [, owner] = /packages\/([\w-]+)\/src\//.exec(file) ?? [];
  const title = `### ${symbol.name}\n`;
  if (owner !== directory) return { text: `${title}\nIs that of \`@imagine-opd/${owner}\`.\n`, documented: true };
  const holder = (node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node);
  const docs = nodes.flatMap((node) => docOf(holder(node)) ?? []);
  const code = nodes.map((node, i) => [docs[i]?.getText(), signatureOf(node, checker)].filter(Boolean).join("\n"));
  const documented = docs.length > 0 || nodes.every(explainsMembers);
  return { text: `${title}\n\`\`\`ts\n${code.join("\n\n")}\n\`\`\`\n`, documented };
}

/** Types of the package that the given declarations name and that no entry exports, by name. */
function findUnnamed(nodes, exported, directory, checker) {
  const found = new Map();
  const visit = (node) => {
    if (ts.isBlock(node)) return;
    if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node))
      follow(node.typeName ?? node.expression);
    ts.forEachChild(node, visit);
  };
  const follow = (name) => {
    const symbol = checker.getSymbolAtLocation(name);
    const target =
      symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const declaration = target?.declarations?.find(
      (each) => ts.isInterfaceDeclaration(each) || ts.isTypeAliasDeclaration(each),
    );
    if (declaration === undefined || exported.has(target) || found.has(target.name)) return;
    if (!declaration.getSourceFile().fileName.includes(`packages/${directory}/src/`)) return;
    found.set(target.name, target);
    visit(declaration);
  };
  for (const node of nodes) visit(ts.isVariableDeclaration(node) ? (node.type ?? node.name) : node);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The page of a package, and its exports without a docstring. */
function describePackage({ directory, name, entries }, program) {
  const checker = program.getTypeChecker();
  const bare = [];
  const sections = entries.map(({ entry, file }) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file));
    if (module === undefined) return `## ${entry}\n\nExports nothing.\n`;
    const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
    const described = symbols.map((symbol) => ({ symbol, ...describeExport(symbol, directory, checker) }));
    bare.push(...described.filter(({ documented }) => !documented).map(({ symbol }) => `${entry} ${symbol.name}`));
    const targets = symbols.map((symbol) =>
      symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    );
    const nodes = targets.flatMap(declarationsOf);
    const hidden = findUnnamed(nodes, new Set(targets), directory, checker);
    const parts = hidden.map((symbol) => describeExport(symbol, directory, checker).text);
    const inside = parts.length === 0 ? [] : ["Parts of these that have no name outside:\n", ...parts];
    return `## ${entry}\n\n${[...described.map(({ text }) => text), ...inside].join("\n")}`;
  });
  const note = "Written by `npm run api-report` from the sources. What the package is for stands in its README.";
  return { text: `# The API of ${name}\n\n${note}\n\n${sections.join("\n")}`, bare };
}

const check = process.argv.includes("--check");
const packages = readPackages();
const program = openProgram(packages.flatMap(({ entries }) => entries.map(({ file }) => file)));
const problems = [];
if (!check) mkdirSync(folder, { recursive: true });
const known = existsSync(folder) ? readdirSync(folder) : [];
for (const name of known.filter((page) => !packages.some(({ directory }) => page === `${directory}.md`))) {
  if (check) problems.push(`${folder}/${name} is of no package`);
  else rmSync(join(folder, name));
}
for (const each of packages) {
  const { text, bare } = describePackage(each, program);
  const page = join(folder, `${each.directory}.md`);
  if (!check) for (const name of bare) console.log(`${name} has no docstring`);
  if (!check) writeFileSync(page, text);
  else if (!existsSync(page) || readFileSync(page, "utf8") !== text) problems.push(`${page} is not current`);
}
for (const problem of problems) console.log(problem);
if (problems.length > 0) {
  console.log("Run npm run api-report and look at what changed.");
  process.exitCode = 1;
}
