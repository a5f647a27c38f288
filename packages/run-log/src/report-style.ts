/** The page's style: system fonts, light and dark, one column on a phone. */
export const reportStyle = `
:root { color-scheme: light dark; --text: #1c2330; --quiet: #596275; --paper: #fff; --panel: #f4f6f9; --rule: #d5dae3;
  --good: #14713a; --bad: #a82a1f; --more: 22, 130, 70; --less: 196, 52, 40;
  --line-0: #2458c5; --line-1: #b4540a; --line-2: #14713a; --line-3: #8a2fa8; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9f0; --quiet: #a3acbd; --paper: #12161d; --panel: #1b212b; --rule: #37404f;
    --good: #63d08d; --bad: #ff8f82; --more: 60, 190, 115; --less: 240, 95, 80;
    --line-0: #82aaff; --line-1: #f0a060; --line-2: #63d08d; --line-3: #d49af0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; color: var(--text); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin: 0; }
.quiet, figcaption { color: var(--quiet); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 0.35rem 0.75rem 0.35rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.notes { padding: 0.75rem 1rem 0.75rem 2rem; background: var(--panel); border-left: 4px solid var(--bad); }
.notes.declared { border-color: var(--line-1); }
.charts { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; } figure > svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font-size: 13px; } svg .grid { stroke: var(--rule); }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.series-0 { stroke: var(--line-0); fill: var(--line-0); } .series-1 { stroke: var(--line-1); fill: var(--line-1); stroke-dasharray: 6 3; }
.series-2 { stroke: var(--line-2); fill: var(--line-2); stroke-dasharray: 2 3; } .series-3 { stroke: var(--line-3); fill: var(--line-3); stroke-dasharray: 9 3 2 3; }
.legends { display: flex; flex-wrap: wrap; gap: 0 1rem; } .legend svg { width: 1.5rem; margin-right: 0.4rem; }
.sample { display: grid; gap: 1rem; padding: 1rem; margin: 1rem 0; background: var(--panel); border-radius: 0.5rem; }
@media (min-width: 40rem) { .sample.pictured { grid-template-columns: 14rem 1fr; } }
.sample img { width: 100%; max-width: 20rem; height: auto; image-rendering: auto; }
.transcript { margin-top: 0.75rem; } .transcript p { margin: 0.25rem 0 0; white-space: pre-wrap; }
.right { color: var(--good); } .wrong { color: var(--bad); }
.token { border-radius: 0.2rem; background: rgba(var(--tint), var(--strength)); }
.more { --tint: var(--more); } .less { --tint: var(--less); text-decoration: underline dotted; }
`;
