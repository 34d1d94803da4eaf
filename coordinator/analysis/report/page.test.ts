import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { escapeText, html } from './html.ts';
import { reportPage } from './page.ts';
import { HOSTILE, sampleReport } from './testing/sample.ts';

/** Tags of the page with their attributes, as far as a parser of HTML would see any. */
function tagsOf(page: string): string[] {
  return [...page.matchAll(/<[a-z!/][^>]*>/giu)].map(([tag]) => tag);
}

describe('the report as a page', () => {
  const page = reportPage(sampleReport());
  const tags = tagsOf(page);

  it('shows hostile words as words: no tag, attribute or control of theirs is in it', () => {
    const names = new Set(tags.map((tag) => /^<\/?([a-z0-9!]+)/iu.exec(tag)?.[1]?.toLowerCase()));
    for (const name of ['script', 'img', 'iframe', 'object', 'form', 'link', 'base']) {
      expect(names).not.toContain(name);
    }
    expect(tags.filter((tag) => /\son[a-z]+\s*=/iu.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /\sstyle\s*=/iu.test(tag))).toEqual([]);
    // oxlint-disable-next-line no-control-regex
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069]/u);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('⟨U+202E⟩gpj.exe⟨U+0000⟩⟨U+001B⟩');
  });

  it('goes nowhere and runs nothing: its links are its own, its policy forbids the rest', () => {
    const targets = [...page.matchAll(/\s(?:href|src|srcset|action|data|poster)\s*=\s*"([^"]*)"/giu)].map(
      ([, to]) => to,
    );
    expect(targets.filter((to) => to?.startsWith('#') !== true)).toEqual([]);
    expect(page).not.toMatch(/@import|url\(/u);
    const style = /<style>([\s\S]*?)<\/style>/u.exec(page)?.[1] ?? '';
    const digest = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'"`.replaceAll(
        "'",
        '&#39;',
      ),
    );
  });

  it('has every link of its own lead somewhere, and every id once', () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/gu)].map(([, id]) => id ?? '');
    expect(ids).toEqual([...new Set(ids)]);
    const links = [...page.matchAll(/\shref="#([^"]*)"/gu)].map(([, id]) => id ?? '');
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('closes what it opens', () => {
    const open: string[] = [];
    const single = new Set(['meta', 'br', 'rect', 'line', '!doctype']);
    for (const tag of tags) {
      const name = /^<\/?([a-z0-9!]+)/iu.exec(tag)?.[1] ?? '';
      if (single.has(name.toLowerCase())) continue;
      if (!tag.startsWith('</')) open.push(name);
      else if (open.at(-1) === name) open.pop();
      else open.push(`${tag} without its beginning`);
    }
    expect(open).toEqual([]);
  });

  it('names the files, their digests, and how to see each thing again', () => {
    const { store, baseline, findings } = sampleReport();
    for (const text of [store.sha256, store.path, baseline?.path ?? '', ...findings.map(({ id }) => id)]) {
      expect(page).toContain(text);
    }
    expect(page).toContain(
      'lockstep inspect diff ./s-20261122-015900-7kq2ab.db ./s-20261122-022000-x4mz1c.db',
    );
    expect(page).not.toMatch(/ FILE\b/u);
  });

  it('is a page also where there is nothing to tell', () => {
    const sample = sampleReport();
    const empty = reportPage({
      ...sample,
      baseline: undefined,
      archives: [],
      findings: [],
      difference: undefined,
      rotations: [],
      outside: [],
      unread: [],
      timeline: {
        span: undefined,
        focusMs: undefined,
        buckets: [],
        marks: [],
        baselineMs: undefined,
        compactedMs: undefined,
      },
    });
    expect(empty).toContain('No rule found anything');
    expect(empty).not.toMatch(/undefined|NaN/u);
    expect(page).not.toMatch(/undefined|NaN/u);
  });
});

describe('words in a template', () => {
  it.each([
    ['<b>', '&lt;b&gt;'],
    ['"\'`&', '&quot;&#39;&#96;&amp;'],
    ['a\u2066b', 'a⟨U+2066⟩b'],
    ['\ud800', '⟨U+D800⟩'],
    ['a\nb\tc', 'a\nb\tc'],
    ['\u{e0041}', '⟨U+E0041⟩'],
    ['ä 漢字 😀', 'ä 漢字 😀'],
  ])('%j are %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
    expect(String(html`<i title="${text}">${text}</i>`)).toBe(`<i title="${escaped}">${escaped}</i>`);
  });

  it('are never markup, but what a template made is', () => {
    expect(String(html`${[html`<b>${HOSTILE[0] ?? ''}</b>`, undefined, false, 1]}`)).toBe('<b>&lt;</b>1');
  });
});
