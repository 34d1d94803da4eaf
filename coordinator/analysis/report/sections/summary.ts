import { code, cut, type Html, html } from '../html.ts';
import type { Report } from '../model.ts';
import { figure, listText, plural, shortTime, time } from '../words.ts';
import { countBySeverity } from './findings.ts';

/** The first thing that anybody reads: in one sentence, then in figures. */
export function verdict({ findings, baseline, archives, timeline }: Report): Html {
  const counts = countBySeverity(findings).filter(({ count }) => count > 0);
  const sealed = archives.filter(({ problems }) => problems.length > 0).length;
  const first = timeline.marks
    .filter(({ severity }) => severity === 'critical' || severity === 'high')
    .reduce<number | undefined>(
      (least, { timeMs }) => (least === undefined || timeMs < least ? timeMs : least),
      undefined,
    );
  if (counts.length === 0) {
    return html`No rule found anything${baseline === undefined ? '' : ' that the baseline does not show as well'}.`;
  }
  const words = listText(counts.map(({ severity, count }) => `${figure(count)} ${severity}`));
  const total = findings.length;
  return html`${words} ${total === 1 ? 'finding' : 'findings'}${baseline === undefined ? '' : ' that the baseline does not show'}${first === undefined ? undefined : html`; the first grave one at ${time(first)}`}.${sealed > 0 ? html` <strong>${plural(sealed, 'archive')} of evidence did not hold.</strong>` : undefined}`;
}

export function summarySection(report: Report): Html {
  const { findings, difference, rotations, outside, baseline, timeline } = report;
  const urgent = rotations.filter(({ urgency }) => urgency === 'now');
  const found = urgent.flatMap(({ items }) => items.filter((item) => item.found)).length;
  const toRotate = rotations.reduce((sum, { items }) => sum + items.length, 0);
  const deletions = timeline.buckets.reduce((sum, { deleted }) => sum + deleted, 0);
  return html`<ul class="tiles">
${countBySeverity(findings).map(({ severity, count }) => html`<li class="tile ${count === 0 ? 'none' : severity}"><b>${figure(count)}</b><span>${severity} ${count === 1 ? 'finding' : 'findings'}</span></li>`)}
${difference === undefined ? undefined : html`<li class="tile"><b>${figure(difference.added + difference.removed + difference.changed)}</b><span>${one(difference.added + difference.removed + difference.changed, 'object differs', 'objects differ')} from the baseline</span></li>`}
<li class="tile"><b>${figure(deletions)}</b><span>${one(deletions, 'deletion')} still on record</span></li>
<li class="tile"><b>${figure(toRotate)}</b><span>${one(toRotate, 'key or token', 'keys and tokens')} to think of</span></li>
<li class="tile"><b>${figure(outside.length)}</b><span>${one(outside.length, 'place')} with data outside the store</span></li>
</ul>
${told(report)}
<div class="card">${points([
    ...(found > 0
      ? [
          html`<strong>Rotate first:</strong> ${plural(found, 'token or key', 'tokens and keys')} that a finding speaks of. <a href="#rotate">What to rotate</a>`,
        ]
      : []),
    ...(outside.length > 0
      ? [
          html`A restore does not bring back ${plural(outside.length, 'place')} with data outside the store. <a href="#outside">Which</a>`,
        ]
      : []),
    ...(baseline === undefined
      ? [
          html`No baseline was given: findings show what is there, not what is new. <code>--baseline FILE</code> with a snapshot from before sharpens them.`,
        ]
      : []),
    ...(report.archives.length === 0
      ? [html`No evidence from the nodes was given: what a node’s disk holds is not in this report.`]
      : []),
    ...(report.unread.length === 0
      ? [html`Everything that was asked for could be read.`]
      : [
          html`${plural(report.unread.length, 'thing')} could not be read or told. <a href="#unread">Which</a>`,
        ]),
  ])}</div>`;
}

/** The word for so many, the figure standing apart from it. */
function one(count: number, single: string, many = `${single}s`): string {
  return count === 1 ? single : many;
}

/** The gravest findings in the order of time, as a person would tell it. */
function told({ timeline }: Report): Html | undefined {
  const grave = timeline.marks
    .filter(({ severity }) => severity === 'critical' || severity === 'high')
    .toSorted((a, b) => a.timeMs - b.timeMs);
  if (grave.length === 0) return undefined;
  const more = grave.length - MAX_TOLD;
  return html`<div class="card"><ol class="moments told">${grave
    .slice(0, MAX_TOLD)
    .map(
      ({ number, severity, title, subject, timeMs, exact }) =>
        html`<li><span class="when">${exact ? '' : '≈ '}${shortTime(timeMs)}</span><a class="number ${severity}" href="#finding-${number}" aria-label="finding ${number}">${number}</a><span class="what"><strong>${cut(title, MAX_TEXT)}</strong><br>${code(cut(subject, MAX_TEXT))}</span></li>`,
    )}</ol>${more > 0 ? html`<p class="soft small">and ${more} more: see the <a href="#timeline">timeline</a></p>` : undefined}</div>`;
}

const MAX_TOLD = 8;
const MAX_TEXT = 200;

function points(list: readonly Html[]): Html {
  return html`<ul class="plain">${list.map((each) => html`<li>${each}</li>`)}</ul>`;
}
