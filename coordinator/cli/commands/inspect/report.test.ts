import {
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeSealers, writeArchive } from '../../testing/archive.ts';
import { HOSTILE, PASSWORD, writeNight } from '../../testing/night.ts';
import { type Said, say } from '../../testing/screen.ts';

// Two workers read what differs.
vi.setConfig({ testTimeout: 60_000 });

const GATHERED_MS = Date.parse('2026-11-22T11:15:00.000Z');

let directory: string;
let files: { readonly before: string; readonly after: string; readonly archive: string; readonly ca: string };
let said: Said;
let page: string;

const at = (name: string): string => join(directory, name);
const report = (...args: readonly string[]): Promise<Said> =>
  say(['inspect', 'report', ...args], { nowMs: GATHERED_MS });

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-report-'));
  const { caPem, agent } = await makeSealers('prod', 'cp1', GATHERED_MS);
  files = { ...writeNight(directory), archive: at('cp1.tar.zst'), ca: at('ca.crt') };
  writeFileSync(files.ca, caPem);
  await writeArchive(files.archive, {
    cluster: 'prod',
    node: 'cp1',
    atMs: GATHERED_MS,
    sealedBy: agent,
    files: {
      'static-pods/static-pods.json': '{"manifests":[]}',
      'ssh-keys/ssh-keys.json': JSON.stringify([
        {
          path: '/root/.ssh/authorized_keys',
          keys: [{ type: 'ssh-ed25519', comment: HOSTILE, fingerprint: 'SHA256:3f9a0c1d' }],
        },
      ]),
    },
  });
  const { after, before, archive, ca } = files;
  said = await report(
    after,
    '--baseline',
    before,
    '--evidence',
    archive,
    '--ca',
    ca,
    '--out',
    at('report.html'),
    '-o',
    'json',
  );
  page = readFileSync(at('report.html'), 'utf8');
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The text of one section, tags taken out. */
function section(id: string): string {
  const body = new RegExp(`<section id="${id}"[^>]*>([\\s\\S]*?)</section>`, 'u').exec(page)?.[1] ?? '';
  return body.replaceAll(/<[^>]*>/gu, ' ').replaceAll(/\s+/gu, ' ');
}

describe('the report of a night', () => {
  it('is one file for its owner alone, and its answer says what is in it', () => {
    expect(said.exit, said.err).toBe(0);
    const answer = JSON.parse(said.out) as { out: string; differences: number; findings: { id: string }[] };
    expect(answer.out).toBe(at('report.html'));
    expect(answer.differences).toBe(13);
    expect(answer.findings.map(({ id }) => id)).toContain('LS-T1496-miner');
    expect(lstatSync(at('report.html')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('stands alone: no address, no script, and nothing that loads anything', () => {
    const addresses = [...page.matchAll(/\b(?:https?|wss?|ftp|file|data|javascript):[^\s<"']*/giu)].map(
      ([text]) => text,
    );
    expect(addresses.filter((address) => !address.startsWith('javascript:') || address.length > 12)).toEqual(
      [],
    );
    const markup = page.match(/<[a-z!/][^>]*>/giu) ?? [];
    expect(
      markup.filter((tag) =>
        /^<(?:script|link|img|iframe|object|embed|base|form|audio|video|source)\b/iu.test(tag),
      ),
    ).toEqual([]);
    expect(markup.filter((tag) => /\s(?:on\w+|style|src|srcset)\s*=/iu.test(tag))).toEqual([]);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    // oxlint-disable-next-line no-control-regex
    expect(page).not.toMatch(/[\0-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
  });

  it('tells everything that it is for, each with how to check it again', () => {
    expect(section('summary')).toContain('critical');
    expect(section('timeline')).toMatch(/10:40:50.*A container mines a cryptocurrency/u);
    expect(page).toMatch(/<svg[\s\S]*<\/svg>/u);
    const told = section('findings');
    for (const text of [
      'LS-T1496-miner',
      'T1496',
      'gpu-metrics',
      'Why it matters',
      'Innocent case',
      'kubectl-create',
    ]) {
      expect(told).toContain(text);
    }
    expect(told).toContain(
      `lockstep inspect get ${files.after} /registry/daemonsets/kube-system/gpu-metrics`,
    );
    expect(section('difference')).toContain(`lockstep inspect diff ${files.before} ${files.after}`);
    const rotate = section('rotate');
    expect(rotate).toContain('kube-system/node-backup-token');
    expect(rotate).toContain('/root/.ssh/authorized_keys');
    expect(rotate).toContain(`lockstep inspect keys ${files.after} --resource secrets`);
    const outside = section('outside');
    expect(outside).toMatch(/pv-7.*ebs\.csi\.aws\.com.*vol-0a1/u);
    expect(outside).toContain('team-01/data-db-0');
    const sources = section('sources');
    for (const path of [files.after, files.before, files.archive]) expect(sources).toContain(path);
    expect(sources).toContain('sha256sum');
    expect(sources).toContain('lockstep://prod/agent/cp1');
    expect(section('unread')).toContain('SQLite keeps no digest of the whole');
  });

  it('holds no value of a secret', () => {
    for (const text of [PASSWORD, 'known to the intruder']) {
      expect(page).not.toContain(text);
      expect(page).not.toContain(Buffer.from(text).toString('base64'));
    }
  });
});

describe('where a report goes', () => {
  it.each(['as it is called', 'by another name', 'through a link'])(
    'is never what it is made from: %s',
    async (how) => {
      const bytes = readFileSync(files.after);
      const out = at(`${how.replaceAll(' ', '-')}.html`);
      if (how === 'by another name') linkSync(files.after, out);
      if (how === 'through a link') symlinkSync(files.after, out);
      const target = how === 'as it is called' ? files.after : out;
      for (const source of [[files.after], [files.before, '--baseline', files.after]]) {
        const refused = await report(...source, '--out', target, '--force');
        expect([refused.exit, refused.out]).toEqual([2, '']);
        expect(refused.err.replaceAll(/\s+/gu, ' ')).toContain('which the report is made from');
      }
      expect(readFileSync(files.after).equals(bytes)).toBe(true);
      expect(lstatSync(files.after).nlink).toBe(how === 'by another name' ? 2 : lstatSync(files.after).nlink);
    },
  );

  it('is not what is there already, unless that is asked for; then it is its owner’s alone', async () => {
    const out = at('there.html');
    writeFileSync(out, 'mine', { mode: 0o644 });
    const refused = await report(files.before, '--out', out);
    expect([refused.exit, refused.err]).toEqual([2, expect.stringContaining('--force')]);
    expect(readFileSync(out, 'utf8')).toBe('mine');
    expect(await report(files.before, '--out', out, '--force')).toMatchObject({ exit: 0 });
    expect(readFileSync(out, 'utf8')).toContain('<!doctype html>');
    expect(lstatSync(out).mode & 0o777).toBe(0o600);
  });

  it('is said where nothing can be written there', async () => {
    const refused = await report(files.before, '--out', at('no/such/directory.html'));
    expect([refused.exit, refused.err]).toEqual([2, expect.stringContaining('ENOENT')]);
  });
});
