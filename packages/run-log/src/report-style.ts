import { heatStyle } from "./heat.ts";

const palette = `
:root { color-scheme: light dark; --text: #1a2130; --quiet: #556074; --paper: #f6f7fa; --panel: #fff; --rule: #dce1ea;
  --good: #0f6b37; --bad: #b02a20; --accent: #2458c5; --more: 30, 100, 225; --less: 225, 110, 10;
  --line-0: #2458c5; --line-1: #b4540a; --line-2: #14713a; --line-3: #8a2fa8; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e7eaf1; --quiet: #a5afc1; --paper: #10141b; --panel: #181e28; --rule: #323b4a;
    --good: #6ad795; --bad: #ff9388; --accent: #8ab0ff; --more: 70, 130, 255; --less: 235, 120, 20;
    --line-0: #8ab0ff; --line-1: #f0a060; --line-2: #63d08d; --line-3: #d49af0; } }`;

const page = `
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem 1rem 4rem; color: var(--text); background: var(--paper);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
header { max-width: 52rem; } h1 { font-size: 1.75rem; line-height: 1.2; margin: 1rem 0 0.5rem; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; } h3 { font-size: 1rem; margin: 1.25rem 0 0.5rem; } h4 { font-size: 0.95rem; margin: 0; }
p { margin: 0.5rem 0; } .quiet, figcaption { color: var(--quiet); }
.scroll { overflow-x: auto; background: var(--panel); border: 1px solid var(--rule); border-radius: 0.5rem; padding: 0 0.75rem; margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; }
th, td { overflow-wrap: break-word; padding: 0.45rem 0.9rem 0.45rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); font-weight: 400; }
tbody tr:last-child > * { border-bottom: 0; } thead th { color: var(--quiet); font-size: 0.85rem; } tbody th { font-weight: 600; min-width: 8rem; } .remark { min-width: 13rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.configuration { font-size: 0.9rem; } .configuration th { width: 12rem; font-weight: 400; color: var(--quiet); }
.notes { margin: 0; padding: 0.75rem 1rem 0.75rem 2.2rem; background: var(--panel); border: 1px solid var(--bad); border-left-width: 6px; border-radius: 0.5rem; }
.notes li::marker { content: "⚠ "; color: var(--bad); }
.statements { margin: 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 0.5rem; padding: 0.25rem 1rem; }
.statements > div { display: grid; gap: 0 1.5rem; padding: 0.6rem 0; } .statements > div + div { border-top: 1px solid var(--rule); }
.statements dt { color: var(--quiet); } .statements dd { margin: 0; } .declared { margin: 0; padding-left: 1.2rem; }
@media (min-width: 44rem) { .statements > div { grid-template-columns: 13rem 1fr; } }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }`;

const charts = `
.figures { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); margin: 0; }
.figures > div { background: var(--panel); border: 1px solid var(--rule); border-radius: 0.5rem; padding: 0.75rem 1rem; }
.figures dt { color: var(--quiet); font-size: 0.9rem; } .figures dd { margin: 0; }
.figures b { display: block; font-size: 1.5rem; line-height: 1.3; font-variant-numeric: tabular-nums; } .figures dd .quiet { font-size: 0.85rem; }
.charts { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.charts figure { margin: 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 0.5rem; padding: 0.75rem; display: flex; flex-direction: column; }
.charts figure > svg { display: block; width: 100%; height: auto; margin-top: auto; } .charts figcaption { font-size: 0.85rem; }
figcaption strong { color: var(--text); font-size: 0.95rem; display: block; }
svg text { fill: var(--quiet); font-size: 12px; } svg .grid { stroke: var(--rule); stroke-width: 1; stroke-dasharray: none; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; } svg .raw polyline { stroke-width: 1; opacity: 0.35; stroke-dasharray: none; }
svg .hover { fill: var(--text); fill-opacity: 0; } svg .hover:hover { fill-opacity: 0.1; }
.series-0 { stroke: var(--line-0); fill: var(--line-0); } .series-1 { stroke: var(--line-1); fill: var(--line-1); stroke-dasharray: 6 3; }
.series-2 { stroke: var(--line-2); fill: var(--line-2); stroke-dasharray: 2 3; } .series-3 { stroke: var(--line-3); fill: var(--line-3); stroke-dasharray: 9 3 2 3; }
.legends { display: flex; flex-wrap: wrap; gap: 0 1rem; } .legend svg { width: 1.5rem; margin-right: 0.4rem; }
.whiskers { list-style: none; margin: 0; padding: 0.75rem 1.25rem 0.25rem; background: var(--panel); border: 1px solid var(--rule); border-radius: 0.5rem;
  display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; }
.whiskers li { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; stroke-dasharray: none; align-items: center; stroke: none; }
.whiskers svg { grid-column: 1 / -1; display: block; overflow: visible; stroke: var(--line-0); stroke-width: 2; fill: var(--line-0); }
.whiskers .value { font-variant-numeric: tabular-nums; font-weight: 600; text-align: right; } .whiskers .name, .whiskers .value { color: var(--text); }
.whiskers .hollow { opacity: 0.8; } .whiskers .hollow circle { fill: var(--panel); } .whiskers .hollow line { stroke-width: 1.25; }
.whiskers .axis { position: relative; display: block; height: 1.5rem; font-size: 0.8rem; color: var(--quiet); }
.whiskers .axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; } .whiskers .axis span:last-child { transform: translateX(-85%); }
@media (min-width: 44rem) { .whiskers { grid-template-columns: minmax(8rem, max-content) 1fr minmax(4rem, max-content); }
  .whiskers .name { order: 0; } .whiskers svg { order: 1; grid-column: 2; } .whiskers .value { order: 2; } .whiskers .axis { grid-column: 2; } }`;

const samples = `
.choices { position: sticky; top: 0; z-index: 1; background: var(--paper); padding: 0.5rem 0; display: none; flex-wrap: wrap; gap: 0.25rem 1.5rem; }
@supports selector(:has(*)) { .choices { display: flex; } }
.choices fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem; } .choices .pages { display: none; }
.choices legend { float: left; margin-right: 0.5rem; padding: 0; color: var(--quiet); }
.choices label { position: relative; } .choices input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.choices span { display: block; min-width: 2rem; padding: 0.15rem 0.6rem; border: 1px solid var(--rule); border-radius: 0.4rem; text-align: center; background: var(--panel); }
.choices input:checked + span { border-color: var(--accent); color: var(--accent); font-weight: 600; box-shadow: inset 0 -2px var(--accent); }
.choices input:focus-visible + span { outline: 2px solid var(--accent); outline-offset: 1px; } .choices input:disabled + span { opacity: 0.5; }
.sample { display: grid; gap: 1.25rem; padding: 1rem; margin: 0.75rem 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 0.5rem; align-content: start; }
.sample h3 { margin: 0; } .sample > div > p { margin: 0.15rem 0; } .change { font-size: 0.9rem; } .change b { font-weight: 600; } .improved .change b { color: var(--good); } .worsened .change b { color: var(--bad); }
.pictures { display: grid; grid-template-columns: 2fr 1fr; gap: 0.75rem; align-items: start; } .pictures figure { margin: 0; } .pictures figcaption { font-size: 0.8rem; line-height: 1.3; margin-top: 0.25rem; }
.picture { position: relative; display: block; } .picture img { display: block; width: 100%; height: auto; border-radius: 0.25rem; image-rendering: pixelated; }
.picture svg { position: absolute; inset: 0; width: 100%; height: 100%; } .picture rect { fill: none; vector-effect: non-scaling-stroke; }
.picture .under { stroke: #000; stroke-width: 5px; } .picture .over { stroke: #ffe14d; stroke-width: 2.5px; }
@media (min-width: 52rem) { .sample.pictured { grid-template-columns: 14rem 1fr; } .sample.pictured .pictures { grid-template-columns: 1fr; } .pictures figure + figure { width: 8rem; } }
.transcripts { display: grid; gap: 1rem; margin-top: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.transcript { border-left: 4px solid var(--mark); padding-left: 0.75rem; } .transcript.right { --mark: var(--good); } .transcript.wrong { --mark: var(--bad); }
.verdict { color: var(--mark); font-weight: 600; margin-left: 0.5rem; }
.moves { margin-top: 0.35rem; } .move { display: grid; grid-template-columns: 5.75rem 1fr; gap: 0.25rem; padding: 0.1rem 0; }
.move > span:last-child, .control { white-space: pre-wrap; } .moves.plain .move { grid-template-columns: 0 1fr; gap: 0; }
.kind { color: var(--quiet); font-size: 0.85rem; line-height: 1.75; white-space: nowrap; } .locate > .kind::before { content: "◎ "; } .invoke > .kind::before { content: "⤢ "; }
.reveal > .kind::before { content: "◉ "; } .commit > .kind::before { content: "➜ "; }
.control { margin: 0.5rem 0; font-size: 0.9rem; } .control .kind { display: block; }
.transcript details { font-size: 0.85rem; margin-top: 0.35rem; } summary { cursor: pointer; color: var(--quiet); }
.tokens td, .tokens th { padding: 0.1rem 0.5rem 0.1rem 0; font-variant-numeric: tabular-nums; } .tokens code { white-space: pre-wrap; }
.transcript i, .heat-legend i { font-style: normal; border-radius: 0.15rem; } .heat-legend i { padding: 0 0.4rem; margin: 0 0.1rem; white-space: nowrap; display: inline-block; line-height: 1.4; }
i[class^="m"] { box-shadow: inset 0 -2px rgb(var(--more)); } i[class^="l"] { border-bottom: 2px dotted rgb(var(--less)); }
.heat-legend > span { white-space: nowrap; font-size: 0.9rem; display: inline-block; } .heat-legend { color: var(--quiet); } .heat-legend i { color: var(--text); }
@media (max-width: 40rem) { .heat-legend > span { white-space: normal; } }
@media print { .choices { display: none !important; } .sample { break-inside: avoid; } }`;

/** The page's style: system fonts, light and dark, one column on a phone. */
export const reportStyle = `${palette}${page}${charts}${samples}\n${heatStyle}\n`;
