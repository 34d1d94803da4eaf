import type { ObjectDiff } from '../../diff/object-diff.ts';
import type { FieldChange } from '../../fields.ts';
import { utf8 } from '../../resource-name.ts';
import { shellWord } from '../../shell-word.ts';
import { code, cut, type Html, html } from '../html.ts';
import type { Difference, StoreSource } from '../model.ts';
import { figure, plural, time } from '../words.ts';

const MAX_FIELDS = 10;
const MAX_VALUE = 200;
const MAX_KEY = 300;
/** A resource with no more is shown open. */
const OPEN_UP_TO = 12;

const SIGNS = { added: '+', removed: '−', changed: '~' } as const;
const CLASSES = { added: 'add', removed: 'del', changed: 'mod' } as const;

export function differenceSection(difference: Difference, baseline: StoreSource, store: StoreSource): Html {
  const { added, removed, changed, byResource, objects, notShown, folded } = difference;
  if (added + removed + changed === 0) return html`<p class="card">The two stores hold the same objects.</p>`;
  const groups = Map.groupBy(objects, ({ resource }) => resource);
  return html`<p>${figure(added)} added, ${figure(removed)} removed, ${figure(changed)} changed, from revision ${baseline.revision} to ${store.revision}.${folded > 0 ? html` <span class="soft">${plural(folded, 'object')} that only kept time (leases, heartbeats) left out.</span>` : undefined}</p>
<div class="card"><table class="stack"><caption>By resource</caption><thead><tr><th>Resource</th><th class="figure">Added</th><th class="figure">Removed</th><th class="figure">Changed</th></tr></thead><tbody>
${byResource.map((row) => html`<tr><td>${code(row.resource || '(other keys)')}</td><td class="figure add" data-label="Added">${figure(row.added)}</td><td class="figure del" data-label="Removed">${figure(row.removed)}</td><td class="figure mod" data-label="Changed">${figure(row.changed)}</td></tr>`)}
</tbody></table></div>
${[...groups].map(([resource, list]) => html`<details class="card"${list.length <= OPEN_UP_TO ? html` open` : undefined}><summary>${resource || '(other keys)'}: ${plural(list.length, 'object')}</summary><ul class="plain">${list.map(objectItem)}</ul></details>`)}
${notShown > 0 ? html`<p class="soft">${plural(notShown, 'more object')} not shown here.</p>` : undefined}
<p class="small soft">Check it again:</p><pre>lockstep inspect diff ${shellWord(baseline.path)} ${shellWord(store.path)}</pre>`;
}

function objectItem(diff: ObjectDiff): Html {
  const { change, namespace, name, key, authorship, fields, foldedFields, undecoded } = diff;
  const place = diff.resource === '' ? utf8(key) : `${namespace === '' ? '' : `${namespace}/`}${name}`;
  const by =
    authorship === undefined || authorship.tool === ''
      ? undefined
      : html` by ${code(cut(authorship.tool, MAX_VALUE))}`;
  const at = time(authorship?.stamp?.timeMs);
  return html`<li class="change"><b class="${CLASSES[change]}" title="${change}">${SIGNS[change]}</b><div>${code(cut(place, MAX_KEY))} <span class="soft small">${change}${by}${at === undefined ? undefined : html`, ${at}`}</span>
${undecoded === '' ? undefined : html`<div class="small soft">Its fields could not be compared: ${undecoded}</div>`}
${fields.length === 0 ? undefined : html`<ul class="plain small">${fields.slice(0, MAX_FIELDS).map(fieldItem)}${fields.length > MAX_FIELDS ? html`<li class="soft">and ${plural(fields.length - MAX_FIELDS, 'more field')}</li>` : undefined}</ul>`}
${foldedFields > 0 ? html`<div class="small soft">${plural(foldedFields, 'field')} that changed by themselves left out</div>` : undefined}</div></li>`;
}

function fieldItem({ path, before, after }: FieldChange): Html {
  return html`<li>${code(cut(path, MAX_KEY))}${before === undefined ? undefined : html` <span class="del">− <bdi>${valueText(before)}</bdi></span>`}${after === undefined ? undefined : html` <span class="add">+ <bdi>${valueText(after)}</bdi></span>`}</li>`;
}

function valueText(value: unknown): string {
  return cut(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), MAX_VALUE);
}
