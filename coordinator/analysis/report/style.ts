/** Of the one page: it loads nothing, so all of it is here. Colours are pairs, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f4f3ef; --card: #ffffff; --ink: #1d2126; --soft: #5b6470; --line: #dedbd2; --line-strong: #c4c0b4;
  --accent: #0a6068; --accent-soft: #dfeeee; --code: #f1efe8;
  --critical: #a3171f; --critical-soft: #fbe6e4; --high: #b14a05; --high-soft: #fcebdc;
  --medium: #7d6200; --medium-soft: #f8f0d2; --low: #45607a; --low-soft: #e6edf4;
  --good: #26703c; --good-soft: #e2f2e6; --created: #2f7f86; --changed: #b9b3a3; --deleted: #a3171f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121518; --card: #1a1f24; --ink: #e7e9ea; --soft: #9aa5b0; --line: #2c333a; --line-strong: #434c55;
    --accent: #67c5cc; --accent-soft: #17343a; --code: #232a31;
    --critical: #ff8a83; --critical-soft: #43191b; --high: #ffae6b; --high-soft: #40260f;
    --medium: #e6c84f; --medium-soft: #362f10; --low: #9cbddb; --low-soft: #1d2c3b;
    --good: #7fd19a; --good-soft: #16331f; --created: #55b4bb; --changed: #59626b; --deleted: #ff8a83;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: 2px; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 2; }
code, pre, .mono { font: .88em/1.5 ui-monospace, "Cascadia Mono", "SF Mono", Menlo, "Liberation Mono", "DejaVu Sans Mono", monospace; }
code { background: var(--code); border-radius: 4px; padding: .08em .35em; unicode-bidi: isolate; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .55rem .75rem; margin: .3rem 0 0; white-space: pre-wrap; unicode-bidi: isolate; }
bdi { unicode-bidi: isolate; }
h1, h2, h3, h4 { line-height: 1.25; text-wrap: balance; margin: 0; font-weight: 650; }
h1 { font-size: clamp(1.7rem, 1.2rem + 2vw, 2.5rem); letter-spacing: -.015em; }
h2 { font-size: 1.35rem; letter-spacing: -.01em; }
h3 { font-size: 1.05rem; }
p { margin: .5rem 0; max-width: 72ch; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
.page { max-width: 1280px; margin: 0 auto; padding: 0 1.25rem 4rem; }
.masthead { border-bottom: 2px solid var(--ink); padding: 2.2rem 0 1.3rem; margin-bottom: 1.6rem; }
.eyebrow { font-size: .8rem; letter-spacing: .09em; text-transform: uppercase; color: var(--soft); margin: 0 0 .5rem; font-weight: 600; }
.masthead .lede { font-size: 1.12rem; margin: .7rem 0 0; max-width: 68ch; }
.layout { display: grid; grid-template-columns: 13.5rem minmax(0, 1fr); gap: 2.5rem; align-items: start; }
nav { position: sticky; top: 1.25rem; font-size: .92rem; }
nav ol { list-style: none; margin: 0; padding: 0; border-left: 2px solid var(--line); }
nav a { display: flex; justify-content: space-between; gap: .5rem; padding: .3rem .5rem .3rem .9rem; margin-left: -2px; border-left: 2px solid transparent; color: var(--ink); text-decoration: none; }
nav a:hover { border-left-color: var(--accent); color: var(--accent); }
nav .count { color: var(--soft); font-variant-numeric: tabular-nums; }
main > section { margin: 0 0 2.8rem; }
main > section > h2 { padding-bottom: .5rem; border-bottom: 1px solid var(--line-strong); margin-bottom: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin: 0 0 .9rem; }
.tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .75rem; margin: 1rem 0 .9rem; padding: 0; list-style: none; }
.tile { background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--line-strong); border-radius: 8px; padding: .7rem .9rem .75rem; }
.tile b { display: block; font-size: 1.75rem; line-height: 1.1; font-weight: 680; font-variant-numeric: tabular-nums; }
.tile span { font-size: .85rem; color: var(--soft); }
.tile.critical { border-top-color: var(--critical); } .tile.critical b { color: var(--critical); }
.tile.high { border-top-color: var(--high); } .tile.high b { color: var(--high); }
.tile.medium { border-top-color: var(--medium); } .tile.medium b { color: var(--medium); }
.tile.low { border-top-color: var(--low); } .tile.low b { color: var(--low); }
.tile.none b { color: var(--soft); } .tile.none { border-top-color: var(--line-strong); }
.chip { display: inline-block; font-size: .74rem; font-weight: 680; letter-spacing: .04em; text-transform: uppercase; padding: .14rem .5rem; border-radius: 99px; border: 1px solid currentColor; white-space: nowrap; max-width: 100%; overflow: hidden; text-overflow: ellipsis; vertical-align: middle; }
.chip.critical, .chip.now { color: var(--critical); background: var(--critical-soft); }
.chip.high, .chip.soon { color: var(--high); background: var(--high-soft); }
.chip.medium { color: var(--medium); background: var(--medium-soft); }
.chip.low, .chip.check { color: var(--low); background: var(--low-soft); }
.chip.good { color: var(--good); background: var(--good-soft); }
.chip.plain { color: var(--soft); background: transparent; font-weight: 600; text-transform: none; letter-spacing: 0; }
.finding { border-left: 5px solid var(--line-strong); }
.finding.critical { border-left-color: var(--critical); } .finding.high { border-left-color: var(--high); }
.finding.medium { border-left-color: var(--medium); } .finding.low { border-left-color: var(--low); }
.finding header { display: flex; flex-wrap: wrap; gap: .45rem .6rem; align-items: center; }
.finding h3 { flex: 1 1 18rem; }
.number { display: inline-grid; justify-self: start; text-decoration: none; place-items: center; min-width: 1.65rem; height: 1.65rem; padding: 0 .3rem; border-radius: 99px; font-size: .82rem; font-weight: 700; color: var(--card); background: var(--soft); font-variant-numeric: tabular-nums; }
.number.critical { background: var(--critical); } .number.high { background: var(--high); }
.number.medium { background: var(--medium); } .number.low { background: var(--low); }
.subject { margin: .55rem 0 .2rem; }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: .7rem 0 0; font-size: .95rem; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; }
details { margin: .7rem 0 0; }
summary { cursor: pointer; color: var(--accent); font-weight: 550; }
details > :not(summary) { margin-top: .5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--soft); font-size: .87rem; padding-bottom: .4rem; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .82rem; border-bottom: 1px solid var(--line-strong); padding: .35rem .8rem .35rem 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--line); padding: .42rem .8rem .42rem 0; vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums; }
ul.plain, ol.plain { list-style: none; margin: .4rem 0 0; padding: 0; }
ul.plain > li, ol.plain > li { padding: .3rem 0; border-top: 1px solid var(--line); }
ul.plain > li:first-child, ol.plain > li:first-child { border-top: 0; }
.add { color: var(--good); } .del { color: var(--critical); } .mod { color: var(--medium); }
.change { display: grid; grid-template-columns: 1.4rem minmax(0, 1fr); gap: 0 .4rem; }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: .87rem; margin-top: .4rem; }
svg { display: block; width: 100%; height: auto; }
svg text { paint-order: stroke; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif; fill: var(--soft); }
svg .strong { fill: var(--ink); font-weight: 650; } svg .onmark { fill: var(--card); font-weight: 700; font-size: 11px; text-anchor: middle; dominant-baseline: central; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--line-strong); stroke-width: 1; }
svg .focus { fill: var(--accent-soft); opacity: .55; } svg .edge { stroke: var(--accent); stroke-width: 1.5; stroke-dasharray: 4 4; }
svg .created { fill: var(--created); } svg .changed { fill: var(--changed); } svg .deleted { fill: var(--deleted); }
svg .critical { fill: var(--critical); } svg .high { fill: var(--high); } svg .medium { fill: var(--medium); } svg .low { fill: var(--low); }
svg .event { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 3; } svg .brk { fill: var(--card); }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .85rem; color: var(--soft); margin: .7rem 0 0; padding: 0; list-style: none; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px; margin-right: .4rem; vertical-align: -.08rem; }
.key.created { background: var(--created); } .key.changed { background: var(--changed); } .key.deleted { background: var(--deleted); }
.narrow { display: none; }
.moments { list-style: none; margin: 1rem 0 0; padding: 0; }
.moments li { display: grid; grid-template-columns: 11.2rem 2.2rem minmax(0, 1fr); gap: .2rem .6rem; padding: .4rem 0; border-top: 1px solid var(--line); align-items: start; }
.moments li:first-child { border-top: 0; }
.moments .when { color: var(--soft); font-variant-numeric: tabular-nums; font-size: .9rem; padding-top: .1rem; }
.moments.told { margin: 0; }
.notice { border-left: 5px solid var(--medium); }
.notice.bad { border-left-color: var(--critical); }
footer { border-top: 1px solid var(--line-strong); margin-top: 3rem; padding-top: 1rem; color: var(--soft); font-size: .875rem; }
@media (max-width: 1080px) { .layout { grid-template-columns: 12rem minmax(0, 1fr); gap: 1.6rem; } }
@media (max-width: 860px) {
  .layout { grid-template-columns: minmax(0, 1fr); gap: 1.2rem; }
  nav { position: static; } nav ol { border-left: 0; display: flex; flex-wrap: wrap; gap: .4rem; }
  nav a { border: 1px solid var(--line); border-radius: 99px; padding: .2rem .75rem; margin: 0; background: var(--card); }
}
@media (max-width: 560px) {
  body { font-size: 15.5px; } .page { padding: 0 .9rem 3rem; } .masthead { padding-top: 1.4rem; }
  .wide { display: none; } .narrow { display: block; }
  .card { padding: .9rem .95rem; } .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .moments li { grid-template-columns: 2.2rem minmax(0, 1fr); } .moments .when { grid-column: 2; grid-row: 1; } .moments .number, .moments .dot { grid-column: 1; grid-row: 1 / span 2; } .moments .what { grid-column: 2; }
  dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; } dl.facts dd { margin-bottom: .45rem; }
  table.stack thead { position: absolute; left: -9999px; } table.stack tr { display: block; padding: .55rem 0; border-top: 1px solid var(--line); } table.stack tr:first-child { border-top: 0; }
  table.stack td { display: block; border: 0; padding: .08rem 0; } table.stack td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); font-size: .85rem; } table.stack td.figure { text-align: left; }
}
@media print {
  :root { --paper: #fff; --card: #fff; }
  body { font-size: 10.5pt; } .page { max-width: none; padding: 0; } nav, .skip { display: none; } .layout { display: block; }
  .card, .tile, .moments li, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; } .wide { display: block; } .narrow { display: none; } a { color: inherit; text-decoration: none; }
}
`;
