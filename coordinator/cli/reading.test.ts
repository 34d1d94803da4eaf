import { deepStrictEqual } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EXIT } from './exit-codes.ts';
import { makeSealers, writeArchive } from './testing/archive.ts';
import { type Files, READERS, readersOfProgram, wordsOf } from './testing/commands.ts';
import { K3sStore } from './testing/k3s-store.ts';
import { fillNight, HOSTILE, keys, writeNight } from './testing/night.ts';
import { type Said, say } from './testing/screen.ts';

const CORPUS = resolve(import.meta.dirname, '../../test/fuzz/corpus');
const GATHERED_MS = Date.parse('2026-11-22T11:15:00.000Z');
/** Controls and orders of direction: whatever a terminal would obey instead of showing it. */
// oxlint-disable-next-line no-control-regex
const OBEYED = /[\0-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/u;

/** What reads in workers waits for them to start, longer where all tests run side by side. */
vi.setConfig({ testTimeout: 60_000 });

let scratch: string;
let targets = 0;
let night: Files;
const forms: Record<string, Files> = {};

const under = (...parts: string[]): string => {
  const path = join(scratch, ...parts);
  mkdirSync(join(path, '..'), { recursive: true });
  return path;
};
/** Beside the evidence, never in its directory. */
const target = (): string => under('targets', String(targets++));

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'lockstep-reading-'));
  const sealers = await makeSealers('prod', 'cp1', GATHERED_MS);
  const common = async (form: string) => {
    const [archive, ca] = [under(form, 'cp1.tar.zst'), under(form, 'ca.crt')];
    writeFileSync(ca, sealers.caPem);
    await writeArchive(archive, {
      cluster: 'prod',
      node: 'cp1',
      atMs: GATHERED_MS,
      sealedBy: sealers.agent,
      files: { 'static-pods/static-pods.json': '{"manifests":[]}' },
      manifest: hostileManifest(),
    });
    return { archive, ca, key: keys.db as string, target: '' };
  };
  forms['K3s'] = { ...(await common('k3s')), ...writeNight(under('k3s', '.')) };
  // What was written last is in the log alone, as where K3s was stopped hard.
  forms['K3s with its log'] = {
    ...(await common('log')),
    before: withLog(under('log', 'before.db'), under('log', 'making', 'before.db')),
    after: withLog(under('log', 'after.db'), under('log', 'making', 'after.db')),
  };
  rmSync(under('log', 'making'), { recursive: true });
  const etcd = { before: under('etcd', 'before.db'), after: under('etcd', 'after.db') };
  copyFileSync(join(CORPUS, 'etcd-3.5.db'), etcd.before);
  copyFileSync(join(CORPUS, 'etcd-3.6.db'), etcd.after);
  forms['etcd'] = { ...(await common('etcd')), ...etcd, key: '/registry/namespaces/default' };
  night = forms['K3s'];
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An archive's own words may be an enemy's as well, but for the names in it. */
function hostileManifest() {
  const at = new Date(GATHERED_MS).toISOString();
  return {
    custody: {
      requestedBy: HOSTILE,
      commandedBy: HOSTILE,
      gatheredBy: HOSTILE,
      reason: HOSTILE,
      operationId: HOSTILE,
      startedAt: at,
      endedAt: at,
      toolVersion: HOSTILE,
    },
    collectors: [
      {
        name: 'cron',
        outcome: 'failed' as const,
        reason: HOSTILE,
        startedAt: at,
        endedAt: at,
        files: 0,
        plainSizeBytes: 0,
        notTaken: 1,
      },
    ],
    notTaken: [
      { collector: 'cron', path: HOSTILE, kind: 'symbolic-link' as const, target: HOSTILE, why: HOSTILE },
    ],
  };
}

/** A copy of a store and its log, taken while somebody had it open. */
function withLog(path: string, making: string): string {
  const store = new K3sStore(4_100);
  fillNight(store);
  using _open = store.save(making, 'WAL');
  copyFileSync(making, path);
  copyFileSync(`${making}-wal`, `${path}-wal`);
  return path;
}

/** Everything that a program which writes would change. */
function stateOf(directory: string): unknown {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { mtimeNs, ctimeNs, ino, mode, size } = lstatSync(path, { bigint: true });
      const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
      return { name, digest, mtimeNs, ctimeNs, ino, mode, size };
    });
}

describe('what is read', () => {
  it('is read by these commands, and by no other', () => {
    expect(Object.keys(READERS).sort()).toEqual(readersOfProgram().sort());
  });

  it.each(['K3s', 'K3s with its log', 'etcd'])(
    'stays as it was, and so does its directory: %s',
    async (form) => {
      const files = forms[form]!;
      const directory = join(files.after, '..');
      for (const name of Object.keys(READERS)) {
        const before = stateOf(directory);
        const { exit, err } = await say(wordsOf(name, { ...files, target: target() }));
        deepStrictEqual(stateOf(directory), before, name);
        // No etcd can be started on K3s' file, nor is there one to start; nothing of SQLite's is damaged here.
        const refused = name === 'inspect sandbox' || (name === 'inspect damage' && form !== 'etcd');
        const ends = refused ? [EXIT.usage, EXIT.refused] : [EXIT.done, EXIT.findings];
        expect(ends, `${name}: ${err}`).toContain(exit);
      }
    },
  );

  it('is read from the log too', async () => {
    const { out } = await say(['inspect', 'keys', forms['K3s with its log']!.after, '-o', 'name']);
    expect(out).toBe((await say(['inspect', 'keys', night.after, '-o', 'name'])).out);
    expect(out).toContain(keys.backdoor);
  });
});

describe('what is no store', () => {
  const files: Record<string, () => string> = {
    nothing: () => join(scratch, 'nothing.db'),
    'a directory': () => join(scratch, 'k3s'),
    'a named pipe': () => {
      const path = under('bad', 'pipe.db');
      execFileSync('mkfifo', [path]);
      return path;
    },
    'a device': () => '/dev/zero',
    'a link in a circle': () => {
      const path = under('bad', 'circle.db');
      symlinkSync(path, path);
      return path;
    },
    'an empty file': () => written('empty.db', ''),
    text: () => written('text.db', 'apiVersion: v1\n'.repeat(500)),
    'the first page of an etcd store': () =>
      written('first.db', readFileSync(join(CORPUS, 'etcd-3.6.db')).subarray(0, 6_000)),
    'half of a K3s store': () => written('half.db', readFileSync(night.after).subarray(0, 9_000)),
    'an SQLite file of somebody else': () => {
      const path = under('bad', 'other.db');
      using database = new DatabaseSync(path);
      database.exec('CREATE TABLE t (a)');
      return path;
    },
    'a ZIP archive': () => written('packed.zip', `PK\u0003\u0004${'x'.repeat(100)}`),
    'a gzip file': () => written('packed.gz', gzipSync('x')),
    'an archive of evidence': () => written('packed.zst', zstdCompressSync('x')),
    'an encrypted file': () => written('packed.age', 'age-encryption.org/v1\n'),
  };
  const written = (name: string, bytes: string | Buffer): string => {
    const path = under('bad', name);
    writeFileSync(path, bytes);
    return path;
  };
  const paths = new Map<string, string>();
  beforeAll(() => {
    for (const [what, make] of Object.entries(files)) paths.set(what, make());
  });
  /** One who asks workers to read, and one who asks for digests first; the others open a file alike. */
  const several = new Set(['inspect diff', 'inspect report', 'inspect bisect', 'inspect timeline']);

  it.each(Object.keys(files))('is refused by every command, with its name and a cure: %s', async (what) => {
    const path = paths.get(what)!;
    for (const name of Object.keys(READERS)) {
      // Workers take their time to start: two of the inputs are enough for who opens files in them.
      if (name === 'inspect diff' && what !== 'a named pipe' && what !== 'text') continue;
      const files = several.has(name) ? { ...night, after: path } : { ...night, before: path, after: path };
      const where = name.startsWith('evidence') ? { ...files, archive: path } : files;
      const to = target();
      const { exit, out, err } = await say(wordsOf(name, { ...where, target: to }));
      // One bad file of several is told among the others.
      const ends =
        name === 'inspect bisect' || name === 'evidence verify' || name === 'inspect damage'
          ? [EXIT.refused, EXIT.usage, EXIT.findings, EXIT.done]
          : [EXIT.refused, EXIT.usage];
      expect(ends, `${name} of ${what}: ${out}${err}`).toContain(exit);
      const said = `${out}${err}`.replaceAll(/\s+/g, '');
      expect(said, name).toContain(path.replaceAll(/\s+/g, ''));
      expect(exit !== EXIT.refused || err.includes('  -> '), name).toBe(true);
      expect(`${out}${err}`, name).not.toMatch(/INTERNAL|at .*\.ts:\d+/u);
      expect(() => lstatSync(to), name).toThrow('ENOENT');
    }
  });

  it('is named by what it is', async () => {
    const told: Record<string, string> = {};
    for (const [what, path] of paths) {
      const { out } = await say(['inspect', 'keys', path, '-o', 'json']);
      const { code, message } = JSON.parse(out) as { code: string; message: string };
      told[what] = `${code}: ${message.replaceAll(path, 'FILE')}`;
    }
    expect(told).toMatchInlineSnapshot(`
      {
        "a ZIP archive": "SNAPSHOT_CORRUPT: FILE is a ZIP archive (k3s etcd-snapshot --snapshot-compress makes one): unpack it first.",
        "a device": "FILE_NOT_READABLE: FILE is a device, no plain file.",
        "a directory": "FILE_NOT_READABLE: FILE is a directory: name the store in it (member/snap/db, or state.db for K3s).",
        "a gzip file": "SNAPSHOT_CORRUPT: FILE is compressed by gzip: unpack it first.",
        "a link in a circle": "FILE_NOT_READABLE: FILE is a symbolic link that leads back to itself.",
        "a named pipe": "FILE_NOT_READABLE: FILE is a named pipe, no plain file.",
        "an SQLite file of somebody else": "SNAPSHOT_CORRUPT: FILE has no table kine: it is no store of K3s, or it was copied without the log beside it (-wal).",
        "an archive of evidence": "SNAPSHOT_CORRUPT: FILE is compressed by zstd: unpack it first; of an archive of evidence, \`lockstep evidence show\` tells what is in it.",
        "an empty file": "SNAPSHOT_TRUNCATED: FILE: The file has 0 bytes: too few for an etcd store.",
        "an encrypted file": "SNAPSHOT_CORRUPT: FILE is encrypted by age: decrypt it first.",
        "half of a K3s store": "SNAPSHOT_CORRUPT: FILE is a damaged SQLite file: database disk image is malformed.",
        "nothing": "SNAPSHOT_NOT_FOUND: There is no file FILE.",
        "text": "SNAPSHOT_CORRUPT: FILE: Neither header (page 0, page 1) is valid: the file is no etcd store, or its first pages are damaged.",
        "the first page of an etcd store": "SNAPSHOT_TRUNCATED: FILE: The file has 6000 bytes; its header says at least 65536.",
      }
    `);
  });
});

describe('hostile names and values', () => {
  const told = async (name: string, output: string): Promise<Said> =>
    await say([...wordsOf(name, { ...night, target: target() }), '-o', output]);

  it.each(['table', 'wide', 'json', 'yaml', 'name'])('reach no terminal with -o %s', async (output) => {
    for (const name of Object.keys(READERS)) {
      // Workers, and nothing of its own in another form.
      if (name === 'inspect report' && output !== 'table') continue;
      const { out, err } = await told(name, output);
      expect(`${out}${err}`, name).not.toMatch(OBEYED);
    }
    for (const args of [
      ['get', night.after, keys.hostile],
      ['get', night.after, 'pods', '-n', 'team-01'],
      ['history', night.after, 'cm', HOSTILE],
      ['history', night.after, keys.app],
      ['keys', night.after, '--summary'],
      ['timeline', night.after, '--format', 'timesketch'],
      // Errors hold the words as well.
      ['get', night.after, `${keys.hostile}x`],
      ['get', night.after, 'pods', HOSTILE],
      ['keys', `${night.after}${HOSTILE}`],
      ['export', night.after, HOSTILE, '--format', HOSTILE],
    ]) {
      const { out, err } = await say(['inspect', ...args, '-o', output]);
      expect(`${out}${err}`, args[0]).not.toMatch(OBEYED);
    }
  });

  it('make no file that is called as they are', async () => {
    for (const format of ['yaml', 'json', 'cluster-info-dump', 'sqlite', 'timesketch']) {
      const to = target();
      const { exit } = await say(['inspect', 'export', night.after, to, '--format', format]);
      expect([format, exit]).toEqual([format, EXIT.done]);
      for (const name of readdirSync(to, { recursive: true, encoding: 'utf8' })) {
        expect(name).toMatch(/^[\w@%+=:,./~-]+$/u);
      }
    }
  });

  it('are found again by the command that a finding names', async () => {
    const { out } = await say(['inspect', 'findings', night.after, '-o', 'json']);
    const { findings } = JSON.parse(out) as { findings: { check: string; subject: string }[] };
    const check = findings.find(({ subject }) => subject.includes('onload'))?.check ?? '';
    const words = execFileSync('bash', ['-c', `printf '%s\\0' ${check}`], { encoding: 'utf8' });
    const [, , , , key = '', ...rest] = words.split('\0').filter((word) => word !== '');
    const got = await say(['inspect', 'get', night.after, key, ...rest, '-o', 'json']);
    expect(JSON.parse(got.out)).toMatchObject({ kind: 'Pod', metadata: { name: HOSTILE } });
  });
});
