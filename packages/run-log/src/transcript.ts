import { ImagineOpdError } from "@imagine-opd/protocol";
import { escapeHtml } from "./escape-html.ts";
import { renderHeat, signed } from "./heat.ts";
import type { ReportMove, ReportToken, ReportTranscript } from "./report-sample.ts";

const moveNames: Readonly<Record<ReportMove["kind"], string>> = {
  locate: "look",
  invoke: "zoom",
  reveal: "evidence",
  commit: "answer",
};

/** A piece of a completion and how it is shown. */
interface ShownPiece {
  readonly text: string;
  readonly html: string;
}

/**
 * A completion with its verdict, its moves in rows, its tokens as a heat map, the same under the control, and a table of
 * the log-probs for those who have no pointer to hover with.
 * @param name where it stands in the report, for errors
 */
export function renderTranscript(transcript: ReportTranscript, name: string): string {
  const { label, text, answer, correct, tokens, control, moves = [] } = transcript;
  checkTokens(transcript, name);
  const pieces =
    tokens === undefined
      ? (text.match(/\s*\S+|\s+/g) ?? []).map((word) => ({ text: word, html: escapeHtml(word) }))
      : tokens.map((token) => ({ text: token.text, html: renderHeat(token, token.teacher) }));
  const verdict = answer === undefined ? "no readable answer" : answer;
  const controlled =
    tokens === undefined || control === undefined
      ? ""
      : `<p class="control"><span class="kind">${escapeHtml(control.label)}</span> ` +
        `${tokens
          .map((token, i) => renderHeat(token, control.teacher[i]!))
          .join("")
          .trimStart()}</p>`;
  return (
    `<div class="transcript ${correct ? "right" : "wrong"}"><h4>${escapeHtml(label)} ` +
    `<span class="verdict">${correct ? "✓ right" : "✗ wrong"}: ${escapeHtml(verdict)}</span></h4>` +
    `${renderRows(pieces, moves, text.length)}${controlled}${tokens === undefined ? "" : tokenTable(tokens, control)}</div>`
  );
}

/** One row for each move; what belongs to none stands in rows without a name. */
function renderRows(pieces: readonly ShownPiece[], moves: readonly ReportMove[], textLength: number): string {
  const rows: { kind: ReportMove["kind"] | undefined; html: string }[] = [];
  let position = 0;
  for (const { text, html } of pieces) {
    const blank = text.search(/\S/);
    const at = position + Math.max(blank, 0);
    const move = moves.find(({ start, end }) => start <= at && at < end);
    position += text.length;
    const last = rows.at(-1);
    // Space belongs to what stands before it, and so does the stop token behind the text.
    if (last !== undefined && (blank < 0 || at >= textLength || last.kind === move?.kind)) last.html += html;
    else rows.push({ kind: move?.kind, html: html.trimStart() });
  }
  const shown = rows.map(({ kind, html }) =>
    kind === undefined
      ? `<div class="move"><span></span><span>${html}</span></div>`
      : `<div class="move ${kind}"><span class="kind">${moveNames[kind]}</span><span>${html}</span></div>`,
  );
  return `<div class="moves${moves.length === 0 ? " plain" : ""}">${shown.join("")}</div>`;
}

function tokenTable(tokens: readonly ReportToken[], control: ReportTranscript["control"]): string {
  const heads = [
    "token",
    "student",
    "teacher",
    "difference",
    ...(control === undefined ? [] : ["control", "difference"]),
  ];
  const rows = tokens.map(({ text, student, teacher }, index) => {
    const other = control?.teacher[index];
    const cells = [student.toFixed(2), teacher.toFixed(2), signed(teacher - student)];
    if (other !== undefined) cells.push(other.toFixed(2), signed(other - student));
    return `<tr><td><code>${escapeHtml(text)}</code>${cells.map((cell) => `<td>${cell}`).join("")}`;
  });
  return (
    `<details><summary>log-probs of ${tokens.length} tokens</summary><table class="tokens"><thead><tr>` +
    `${heads.map((head) => `<th scope="col">${head}`).join("")}</thead><tbody>${rows.join("")}</tbody></table></details>`
  );
}

/** Moves count in the text, so the tokens must be the text; a control must score the same tokens. */
function checkTokens({ text, tokens, control }: ReportTranscript, name: string): void {
  const refuse = (problem: string, remedy: string): never => {
    throw new ImagineOpdError("invalid-argument", { where: "run-log.renderReport", problem, remedy });
  };
  if (tokens === undefined) {
    if (control !== undefined)
      refuse(`\`${name}.control\` needs \`tokens\`, and there are none.`, "Give both or neither.");
    return;
  }
  const joined = tokens.map((token) => token.text).join("");
  if (!joined.startsWith(text)) {
    refuse(
      `the tokens of \`${name}\` must join to its text "${text.slice(0, 60)}", got "${joined.slice(0, 60)}".`,
      "Decode the completion's growing beginnings and take what each token adds.",
    );
  }
  if (control !== undefined && control.teacher.length !== tokens.length) {
    refuse(
      `\`${name}.control.teacher\` must have one log-prob for each of ${tokens.length} tokens, got ${control.teacher.length}.`,
      "Score the same completion under the control.",
    );
  }
}
