import { commandFor } from '../../shell-word.ts';
import { code, cut, type Html, html } from '../html.ts';
import type { Rotation, RotationItem } from '../rotation.ts';
import { plural } from '../words.ts';

const MAX_ITEMS = 60;
const OPEN_UP_TO = 8;
const MAX_NAME = 260;

const URGENCY_WORDS = { now: 'now', soon: 'soon', check: 'check' } as const;

export function rotateSection(rotations: readonly Rotation[], storePath: string): Html {
  if (rotations.length === 0)
    return html`<p class="card">Neither the store nor the archives hold keys or tokens that could be read.</p>`;
  return html`<p><span class="chip now">now</span> a finding speaks of it · <span class="chip soon">soon</span> whoever read the store or a node had it · <span class="chip check">check</span> look who uses it. Names only: no value of a secret is on this page.</p>
${rotations.map((rotation) => card(rotation, storePath))}`;
}

function card({ title, urgency, why, how, check, items }: Rotation, storePath: string): Html {
  const sorted = items.toSorted((a, b) => Number(b.found) - Number(a.found));
  return html`<article class="card"><header><h3>${title} <span class="soft">(${items.length})</span> <span class="chip ${urgency}">${URGENCY_WORDS[urgency]}</span></h3></header>
<dl class="facts"><dt>Why</dt><dd>${why}</dd><dt>How</dt><dd>${how}</dd></dl>
<details${items.length <= OPEN_UP_TO || urgency === 'now' ? html` open` : undefined}><summary>${plural(items.length, 'name')}</summary><ul class="plain">${sorted.slice(0, MAX_ITEMS).map(item)}${items.length > MAX_ITEMS ? html`<li class="soft">and ${items.length - MAX_ITEMS} more</li>` : undefined}</ul></details>
${check === '' ? undefined : html`<pre>${commandFor(check, storePath)}</pre>`}</article>`;
}

function item({ name, detail, found }: RotationItem): Html {
  return html`<li>${code(cut(name, MAX_NAME))} ${found ? html`<span class="chip now">in a finding</span> ` : undefined}<span class="soft small"><bdi>${cut(detail, MAX_NAME)}</bdi></span></li>`;
}
