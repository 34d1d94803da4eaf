import { type Finding, type FoundObject, SEVERITIES } from '../../findings/finding.ts';
import { commandFor } from '../../shell-word.ts';
import { code, cut, type Html, html } from '../html.ts';
import type { Report } from '../model.ts';
import type { Mark } from '../timeline.ts';
import { plural, time } from '../words.ts';

/** Of one finding; the others are counted. */
const MAX_OBJECTS = 8;
const MAX_TRAITS = 8;
const MAX_VALUE = 240;
const MAX_SUBJECT = 300;
const MAX_TECHNIQUE = 24;

const STANDING_WORDS = {
  live: 'there now',
  overwritten: 'in an earlier version',
  deleted: 'deleted since',
  carved: 'only in what the store has given up',
} as const;

export function findingsSection({ findings, store, baseline, timeline }: Report): Html {
  if (findings.length === 0) {
    return html`<p class="card">No rule found anything${baseline !== undefined ? ' that the baseline does not show as well' : ''}. That is not the same as that nothing happened: see what could not be read or told, below.</p>`;
  }
  return html`${findings.map((finding, index) =>
    findingCard(
      finding,
      timeline.marks.find(({ number }) => number === index + 1),
      index + 1,
      store.path,
    ),
  )}`;
}

function findingCard(finding: Finding, mark: Mark | undefined, number: number, storePath: string): Html {
  const { severity, title, subject, techniques, why, innocent, author, sinceRevision, objects, id } = finding;
  const about = mark === undefined ? undefined : html`about ${time(mark.timeMs)}`;
  const when = mark === undefined || mark.exact ? time(author.at) : about;
  return html`<article class="card finding ${severity}" id="finding-${number}">
<header><span class="number ${severity}">${number}</span><h3>${title}</h3><span class="chip ${severity}">${severity}</span>${techniques.map(technique)}</header>
<p class="subject">${code(cut(subject, MAX_SUBJECT))}</p>
<dl class="facts">
<dt>When</dt><dd>${when ?? 'nothing in it says'}${sinceRevision === 0 ? undefined : html` <span class="soft">(revision ${sinceRevision})</span>`}</dd>
<dt>With which tool</dt><dd>${author.tool === '' ? html`<span class="soft">nothing in it says</span>` : html`${code(cut(author.tool, MAX_VALUE))} <span class="soft">as it called itself</span>`}</dd>
<dt>Why it matters</dt><dd>${why}</dd>
<dt>Innocent case</dt><dd>${innocent}</dd>
</dl>
<details${objects.length <= 2 ? html` open` : undefined}><summary>${plural(objects.length, 'object')} and what was seen of ${objects.length === 1 ? 'it' : 'them'}</summary>
<ul class="plain">${objects.slice(0, MAX_OBJECTS).map(objectItem)}${more(objects.length - MAX_OBJECTS, 'object')}</ul></details>
<p class="small soft">Check it again (rule ${code(id)}):</p><pre>${cut(commandFor(finding.check, storePath), 1000)}</pre>
</article>`;
}

function objectItem({ key, resource, namespace, name, standing, traits }: FoundObject): Html {
  const place =
    resource === ''
      ? key || 'the store as a whole'
      : `${resource} ${namespace === '' ? '' : `${namespace}/`}${name}`;
  return html`<li>${code(cut(place, MAX_SUBJECT))} <span class="chip plain">${STANDING_WORDS[standing]}</span>
<ul class="plain small">${traits.slice(0, MAX_TRAITS).map(({ field, value, standing: at }) => html`<li>${field === '' ? undefined : html`${code(cut(field, MAX_VALUE))} `}${value === '' ? undefined : html`<bdi>${cut(value, MAX_VALUE)}</bdi>`}${at === standing ? undefined : html` <span class="soft">(${STANDING_WORDS[at]})</span>`}</li>`)}${more(traits.length - MAX_TRAITS, 'trait')}</ul></li>`;
}

function more(count: number, what: string): Html | undefined {
  return count > 0
    ? html`<li class="soft">and ${plural(count, `more ${what}`, `more ${what}s`)}</li>`
    : undefined;
}

/** Of ATT&CK, by its number. */
function technique(id: string): Html {
  return html`<span class="chip plain" title="MITRE ATT&amp;CK technique">${cut(id, MAX_TECHNIQUE)}</span>`;
}

/** How many there are of each severity, the worst first. */
export function countBySeverity(findings: readonly Finding[]) {
  return SEVERITIES.toReversed().map((severity) => ({
    severity,
    count: findings.filter((each) => each.severity === severity).length,
  }));
}
