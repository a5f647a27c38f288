import { escapeHtml } from "./escape-html.ts";

/** A section under a heading; nothing where there is no content. */
export function renderSection(title: string, content: string): string {
  return content === "" ? "" : `<section><h2>${escapeHtml(title)}</h2>${content}</section>`;
}

/** A table of figures, which scrolls by itself on a narrow screen. Names and cells are escaped. */
export function renderTable(
  corner: string,
  heads: readonly string[],
  rows: readonly { readonly name: string; readonly cells: readonly string[]; readonly remark?: string | undefined }[],
): string {
  const remarked = rows.some(({ remark }) => remark !== undefined);
  const head = heads.map((name) => `<th scope="col" class="number">${escapeHtml(name)}</th>`).join("");
  const body = rows.map(
    ({ name, cells, remark }) =>
      `<tr><th scope="row">${escapeHtml(name)}</th>` +
      cells.map((cell) => `<td class="number">${escapeHtml(cell)}</td>`).join("") +
      `${remarked ? `<td class="remark">${escapeHtml(remark ?? "")}</td>` : ""}</tr>`,
  );
  return (
    `<div class="scroll" tabindex="0" role="group" aria-label="${escapeHtml(corner)}"><table><thead><tr>` +
    `<th scope="col">${escapeHtml(corner)}</th>${head}${remarked ? '<th scope="col">remark</th>' : ""}</tr></thead>` +
    `<tbody>${body.join("")}</tbody></table></div>`
  );
}
