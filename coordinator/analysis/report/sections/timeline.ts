import { code, cut, type Html, html } from '../html.ts';
import type { Report } from '../model.ts';
import { pictures } from '../picture.ts';
import { instantText, shortTime } from '../words.ts';

const MAX_SUBJECT = 200;

/** The picture, and the same in words beside it. */
export function timelineSection({ timeline, store }: Report): Html {
  const { span, focusMs, marks, baselineMs, compactedMs } = timeline;
  if (span === undefined) return html`<p class="card">Nothing in the store tells a time.</p>`;
  const moments = [
    ...marks.map((mark) => ({ timeMs: mark.timeMs, item: markItem(mark) })),
    ...(baselineMs === undefined
      ? []
      : [{ timeMs: baselineMs, item: plainItem(baselineMs, 'Last write that the baseline shows.') }]),
    ...(compactedMs === undefined
      ? []
      : [
          {
            timeMs: compactedMs,
            item: plainItem(
              compactedMs,
              `Compacted up to revision ${store.compactRevision}: of what was overwritten or deleted before, little is left.`,
            ),
          },
        ]),
    {
      timeMs: span.toMs,
      item: plainItem(span.toMs, `Last write that the store shows (revision ${store.revision}).`),
    },
  ].toSorted((a, b) => a.timeMs - b.timeMs);
  return html`<figure class="card">${pictures(timeline)}
<ul class="legend"><li><span class="key created"></span>created</li><li><span class="key changed"></span>changed</li><li><span class="key deleted"></span>deleted</li></ul>
<figcaption>Writes that the store still shows, heartbeats left out (height by the square root), and the findings by their numbers. Times are UTC, told by the objects themselves: as good as the clocks of who wrote them; ≈ is reckoned from what was written just before and after.${focusMs === undefined ? '' : ` What is after ${instantText(focusMs)} is enlarged, and has a scale of its own.`}</figcaption></figure>
<ol class="moments">${moments.map(({ item }) => item)}</ol>`;
}

function markItem({
  number,
  severity,
  title,
  subject,
  timeMs,
  exact,
}: Report['timeline']['marks'][number]): Html {
  return html`<li><span class="when">${exact ? '' : '≈ '}${shortTime(timeMs)}</span><span class="number ${severity}">${number}</span><span class="what"><a href="#finding-${number}">${title}</a> <span class="chip ${severity}">${severity}</span><br>${code(cut(subject, MAX_SUBJECT))}</span></li>`;
}

function plainItem(timeMs: number, words: string): Html {
  return html`<li><span class="when">${shortTime(timeMs)}</span><span class="dot"></span><span class="what soft">${words}</span></li>`;
}
