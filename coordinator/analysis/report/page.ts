import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import type { Report } from './model.ts';
import { differenceSection } from './sections/difference.ts';
import { findingsSection } from './sections/findings.ts';
import { outsideSection } from './sections/outside.ts';
import { rotateSection } from './sections/rotate.ts';
import { sourcesSection } from './sections/sources.ts';
import { summarySection, verdict } from './sections/summary.ts';
import { timelineSection } from './sections/timeline.ts';
import { STYLE } from './style.ts';
import { figure, time } from './words.ts';

interface Section {
  readonly id: string;
  readonly title: string;
  readonly count?: number;
  readonly body: Html;
}

/**
 * The whole report as one file that stands alone: it loads nothing and runs nothing, and its own
 * policy forbids both to whatever words of the cluster might have got past the escaping.
 */
export function reportPage(report: Report): string {
  const { findings, rotations, outside, difference, baseline, store, unread, archives } = report;
  const sections: Section[] = [
    { id: 'summary', title: 'Summary', body: summarySection(report) },
    { id: 'timeline', title: 'Timeline', body: timelineSection(report) },
    {
      id: 'findings',
      title: 'Findings',
      count: findings.length,
      body: findingsSection(report),
    },
    ...(difference === undefined || baseline === undefined
      ? []
      : [
          {
            id: 'difference',
            title: 'Against the baseline',
            count: difference.added + difference.removed + difference.changed,
            body: differenceSection(difference, baseline, store),
          },
        ]),
    {
      id: 'rotate',
      title: 'What to rotate',
      count: rotations.reduce((sum, { items }) => sum + items.length, 0),
      body: rotateSection(rotations, store.path),
    },
    { id: 'outside', title: 'Data outside the store', count: outside.length, body: outsideSection(outside) },
    {
      id: 'sources',
      title: 'What was looked at',
      count: 1 + Number(baseline !== undefined) + archives.length,
      body: sourcesSection(report),
    },
    {
      id: 'unread',
      title: 'What could not be read or told',
      count: unread.length,
      body: unreadSection(unread),
    },
  ];
  const title =
    report.cluster === '' ? 'What happened in this cluster' : `What happened in ${report.cluster}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="lockstep ${report.toolVersion}">
<title>${title}</title>
<style>${Html.trusted(STYLE)}</style>
</head>
<body>
<a class="skip" href="#summary">To the summary</a>
<div class="page">
<header class="masthead"><p class="eyebrow">Incident report · Lockstep</p><h1>${title}</h1><p class="lede">${verdict(report)}</p><p class="soft small">Made ${time(report.madeAtMs)} from the files alone; nothing of the cluster was asked or changed.</p></header>
<div class="layout">
<nav aria-label="Sections"><ol>${sections.map(({ id, title: name, count }) => html`<li><a href="#${id}">${name}${count === undefined ? undefined : html`<span class="count">${figure(count)}</span>`}</a></li>`)}</ol></nav>
<main>${sections.map(({ id, title: name, body }) => html`<section id="${id}" aria-labelledby="h-${id}"><h2 id="h-${id}">${name}</h2>${body}</section>`)}</main>
</div>
<footer>Every name, time and value here was written by somebody in the cluster and may be a lie; digests and revisions are this program's own reading. Lockstep ${report.toolVersion}.</footer>
</div>
</body>
</html>
`;
  return page.toString();
}

/** Nothing from anywhere, no script, and of styles only the one above. */
function policy(): string {
  const digest = createHash('sha256').update(STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`;
}

function unreadSection(unread: readonly string[]): Html {
  if (unread.length === 0) return html`<p class="card">Everything that was asked for was read.</p>`;
  return html`<ul class="plain card notice">${unread.map((each) => html`<li>${each}</li>`)}</ul>`;
}
