import { shellWord } from '../../shell-word.ts';
import { code, cut, type Html, html } from '../html.ts';
import type { ArchiveSource, Report, StoreSource } from '../model.ts';
import { figure, plural, sizeText, time } from '../words.ts';

const MAX_TEXT = 300;
const MAX_LISTENERS = 40;

/** What was looked at: the files by their digests, and through whose hands they went. */
export function sourcesSection({ store, baseline, archives }: Report): Html {
  return html`${storeCard('The store', store)}${baseline === undefined ? undefined : storeCard('The baseline', baseline)}${archives.map(archiveCard)}
<p class="small soft">That these are the same files: their digests, again.</p><pre>sha256sum ${[store, ...(baseline === undefined ? [] : [baseline]), ...archives].map(({ path }) => shellWord(path)).join(' ')}</pre>`;
}

function storeCard(title: string, source: StoreSource): Html {
  const { path, sizeBytes, sha256, form, revision, compactRevision, storageVersion, members, lastMs, notes } =
    source;
  return html`<article class="card"><h3>${title}</h3><dl class="facts">
<dt>File</dt><dd>${code(path)} <span class="soft">${sizeText(sizeBytes)}, ${form === 'etcd' ? `etcd${storageVersion === '' ? '' : ` ${storageVersion}`}` : 'SQLite of K3s (kine)'}</span></dd>
<dt>SHA-256</dt><dd class="mono">${sha256}</dd>
<dt>Revision</dt><dd>${figure(revision)}${compactRevision > 0 ? html` <span class="soft">compacted up to ${figure(compactRevision)}</span>` : undefined}</dd>
${lastMs === undefined ? undefined : html`<dt>Last write</dt><dd>${time(lastMs)}</dd>`}
${members.length === 0 ? undefined : html`<dt>Members</dt><dd>${cut(members.join(', '), MAX_TEXT)}</dd>`}
</dl>${notes.length === 0 ? undefined : html`<ul class="plain small soft">${notes.map((note) => html`<li>${cut(note, MAX_TEXT)}</li>`)}</ul>`}</article>`;
}

function archiveCard({
  path,
  sizeBytes,
  sha256,
  manifest,
  sealedBy,
  sealJudged,
  problems,
  accounts,
}: ArchiveSource): Html {
  const { custody, node, collectors } = manifest;
  const incomplete = collectors.filter(({ outcome }) => outcome !== 'done');
  const holds = problems.length === 0;
  return html`<article class="card"><h3>Evidence of node ${cut(node, MAX_TEXT)} ${!holds ? html`<span class="chip critical">does not hold</span>` : sealJudged ? html`<span class="chip good">sealed, holds</span>` : html`<span class="chip medium">digests hold, seal not judged</span>`}</h3><dl class="facts">
<dt>File</dt><dd>${code(path)} <span class="soft">${sizeText(sizeBytes)}, ${plural(manifest.files.length, 'file')}</span></dd>
<dt>SHA-256</dt><dd class="mono">${sha256}</dd>
<dt>Asked for by</dt><dd>${code(cut(custody.requestedBy, MAX_TEXT))}${custody.reason === '' ? undefined : html` <span class="soft">“<bdi>${cut(custody.reason, MAX_TEXT)}</bdi>”</span>`}</dd>
<dt>Through</dt><dd>${code(cut(custody.commandedBy, MAX_TEXT))}</dd>
<dt>Gathered by</dt><dd>${code(cut(custody.gatheredBy, MAX_TEXT))} ${time(custody.startedAt)}</dd>
${sealedBy === '' ? undefined : html`<dt>Sealed by</dt><dd>${code(sealedBy)}</dd>`}</dl>
${problems.length === 0 ? undefined : html`<ul class="plain del">${problems.map((each) => html`<li>${cut(each, MAX_TEXT)}</li>`)}</ul>`}
${incomplete.length === 0 ? undefined : html`<ul class="plain small">${incomplete.map(({ name, outcome, reason }) => html`<li>${code(name)} ${outcome}: <bdi>${cut(reason, MAX_TEXT)}</bdi></li>`)}</ul>`}
${accounts.staticPodsWithoutManifest.length === 0 ? undefined : html`<p><strong class="del">Static pods that run with no manifest on this node:</strong> ${accounts.staticPodsWithoutManifest.map((pod) => html`${code(cut(pod, MAX_TEXT))} `)}</p>`}
${accounts.manifests.length === 0 ? undefined : html`<details><summary>${plural(accounts.manifests.length, 'static pod manifest')}</summary><ul class="plain small">${accounts.manifests.map((each) => html`<li>${code(cut(each.path, MAX_TEXT))} ${each.pod === '' ? html`<span class="del">no pod</span>` : html`<bdi>${cut(each.pod, MAX_TEXT)}</bdi>`} <span class="mono soft">${each.sha256.slice(0, 16)}</span></li>`)}</ul></details>`}
${accounts.listeners.length === 0 ? undefined : html`<details><summary>${plural(accounts.listeners.length, 'port')} listened on</summary><ul class="plain small">${accounts.listeners.slice(0, MAX_LISTENERS).map((each) => html`<li>${code(each.at)} <bdi>${cut(each.process, MAX_TEXT)}</bdi> <span class="soft"><bdi>${cut(each.executable, MAX_TEXT)}</bdi></span></li>`)}${accounts.listeners.length > MAX_LISTENERS ? html`<li class="soft">and ${accounts.listeners.length - MAX_LISTENERS} more</li>` : undefined}</ul></details>`}
${manifest.notTaken.length === 0 ? undefined : html`<p class="small soft">${plural(manifest.notTaken.length + manifest.notTakenUnlisted, 'thing')} seen and not taken: links, devices, what a limit left out. <code>lockstep evidence show ${shellWord(path)} -o wide</code> names them.</p>`}
</article>`;
}
