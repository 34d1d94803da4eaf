import { code, cut, type Html, html } from '../html.ts';
import type { OutsideStore } from '../outside.ts';

const MAX_SHOWN = 200;
const MAX_TEXT = 240;

export function outsideSection(outside: readonly OutsideStore[]): Html {
  if (outside.length === 0)
    return html`<p class="card">The store names no volume, no claim and no path on a node.</p>`;
  return html`<p>A restore brings the store back, and none of this. Each of these goes on with what was written to it after the snapshot.</p>
<div class="card scroll" tabindex="0" role="region" aria-label="Data outside the store"><table class="stack"><thead><tr><th>What</th><th>Where the bytes are</th><th>Used by</th><th>Note</th></tr></thead><tbody>
${outside.slice(0, MAX_SHOWN).map(({ kind, subject, where, usedBy, note }) => html`<tr><td>${code(cut(subject, MAX_TEXT))}<br><span class="soft small">${kind}</span></td><td data-label="Where"><bdi>${cut(where, MAX_TEXT)}</bdi></td><td data-label="Used by"><bdi>${cut(usedBy, MAX_TEXT)}</bdi></td><td data-label="Note" class="soft">${cut(note, MAX_TEXT)}</td></tr>`)}
</tbody></table>${outside.length > MAX_SHOWN ? html`<p class="soft">and ${outside.length - MAX_SHOWN} more</p>` : undefined}</div>`;
}
