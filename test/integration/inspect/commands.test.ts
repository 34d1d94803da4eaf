import { deepStrictEqual } from 'node:assert/strict';
import {
  existsSync,
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
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runCommandLine } from '@lockstep/coordinator/cli/run.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { locateTools } from '../../lab/tools/locate.ts';
import { RecordingTerminal } from '../cli/command-line.ts';
import { APP, GONE, HOSTILE, Incident, PASSWORD } from './incident.ts';

let incident: Incident;
let evidenceBefore: unknown;
let exports: string;
let exported: number;

beforeAll(async () => {
  incident = await Incident.make((await locateTools()).etcd);
  exports = mkdtempSync(join(tmpdir(), 'lockstep-export-'));
  exported = 0;
});

afterAll(async () => {
  await incident[Symbol.asyncDispose]();
  rmSync(exports, { recursive: true, force: true });
});

beforeEach(() => {
  evidenceBefore = incident.state();
});

// Whatever a command did, and however it ended.
afterEach(() => {
  deepStrictEqual(incident.state(), evidenceBefore);
});

interface Said {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

async function inspect(...args: string[]): Promise<Said> {
  // No configuration, no coordinator: there is none to be found.
  const terminal = new RecordingTerminal({ HOME: '/nonexistent', LOCKSTEP_CONFIG: '/nonexistent' });
  const exit = await runCommandLine(['inspect', ...args], terminal);
  return { exit, out: terminal.written, err: terminal.complained };
}

async function json<Result>(...args: string[]): Promise<Result> {
  return JSON.parse((await inspect(...args, '-o', 'json')).out) as Result;
}

/** Beside the evidence, never in its directory. */
function target(): string {
  return join(exports, String(exported++));
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

describe('keys', () => {
  it('are those that etcd answers with, with their revisions', async () => {
    const live = await incident.etcd.list('/registry/');
    const { keys, revision } = await json<{
      keys: { key: string; revision: number; sizeBytes: number }[];
      revision: number;
    }>('keys', incident.after);
    expect(keys.map((one) => `${one.key} ${one.revision} ${one.sizeBytes}`).sort()).toEqual(
      live.map(({ key, modRevision, value }) => `${key.toString()} ${modRevision} ${value.length}`).sort(),
    );
    expect(revision).toBeGreaterThan(incident.appRevisions.at(-1)!);
  });

  it('are counted by resource', async () => {
    const { resources } = await json<{ resources: { resource: string; count: number }[] }>(
      'keys',
      incident.after,
      '--summary',
    );
    const names = (await inspect('keys', incident.after, '--resource', 'cm', '-o', 'name')).out
      .trim()
      .split('\n');
    expect(resources.find(({ resource }) => resource === 'configmaps')?.count).toBe(names.length);
  });
});

describe('get', () => {
  it('is what etcd answers at every revision of an object', async () => {
    expect(incident.appAnswers.length).toBeGreaterThan(2);
    for (const { revision, modRevision, value } of incident.appAnswers) {
      const object = await json<{ data: object; metadata: object }>(
        'get',
        incident.after,
        'cm/app',
        '--revision',
        String(revision),
      );
      const { metadata, ...rest } = JSON.parse(value) as { metadata: object };
      expect(object).toEqual({ ...rest, metadata: { ...metadata, resourceVersion: String(modRevision) } });
    }
    const gone = incident.appRevisions.at(-1)!;
    const now = await inspect('get', incident.after, 'cm', 'app', '-n', 'team-01');
    expect(now).toMatchObject({ exit: 5, out: '' });
    expect(now.err).toContain(`deleted at revision ${gone}`);
  });

  it('says that a revision was compacted, and at which, not that there is nothing', async () => {
    const [first] = incident.appRevisions as [number];
    const { exit, err } = await inspect('get', incident.compacted, APP, '--revision', String(first));
    expect([exit, err]).toEqual([
      5,
      expect.stringMatching(/REVISION_COMPACTED[\s\S]*compacted at revision \d+/u),
    ]);
    // Of a key that left no row nothing can be said either, not even that there was none.
    for (const what of ['pods', '/registry/configmaps/team-01/never']) {
      const answer = await inspect('get', incident.compacted, what, '--revision', '3');
      expect([answer.exit, answer.err]).toEqual([5, expect.stringContaining('REVISION_COMPACTED')]);
    }
  });

  it('is YAML where nothing else is asked for, and a list of a whole resource', async () => {
    const { out } = await inspect('get', incident.before, 'cm/app');
    expect(parse(out)).toMatchObject({ kind: 'ConfigMap', data: { level: 'info' } });
    const list = await json<{ kind: string; items: { kind: string }[] }>('get', incident.before, 'nodes');
    expect(list.kind).toBe('List');
    expect(list.items.length).toBeGreaterThan(0);
    expect(new Set(list.items.map(({ kind }) => kind))).toEqual(new Set(['Node']));
  });
});

interface VersionAnswer {
  readonly revision: number;
  readonly operation: string;
  readonly tool: string;
  readonly time?: string;
  readonly carvedPage?: number;
  readonly changes?: { path: string }[];
  readonly after?: { revision: number };
  readonly before?: { revision: number };
}

describe('history', () => {
  it('tells each version with its tool and time, and bounds the deletion', async () => {
    const { versions } = await json<{ versions: VersionAnswer[] }>('history', incident.after, 'cm', 'app');
    expect(versions.map(({ revision }) => revision)).toEqual(incident.appRevisions);
    expect(versions.map(({ operation, tool }) => [operation, tool])).toEqual([
      ['created', 'helm'],
      ['changed', 'kubectl-edit'],
      ['deleted', ''],
    ]);
    expect(versions[1]).toMatchObject({ time: '2026-11-22T10:05:00.000Z' });
    expect(versions[1]?.changes?.map(({ path }) => path)).toContain('data.level');
    const [, , gone] = versions;
    expect(gone?.after?.revision).toBeLessThan(gone!.revision);
    expect(gone?.before?.revision).toBeGreaterThan(gone!.revision);
  });

  it('finds in free pages what was compacted away, and says so', async () => {
    for (const key of GONE) {
      const { versions = [] } = await json<{ versions?: VersionAnswer[] }>(
        'history',
        incident.compacted,
        key,
      );
      if (versions.length === 0) continue;
      expect(versions.every(({ carvedPage }) => carvedPage !== undefined)).toBe(true);
      expect((await inspect('history', incident.compacted, key)).out).toContain(
        'the store itself has given it up',
      );
      return;
    }
    expect.unreachable('of thirty pages none is left');
  });
});

interface DifferenceAnswer {
  readonly change: string;
  readonly resource: string;
  readonly name: string;
  readonly fields: { path: string; before?: unknown; after?: unknown }[];
}

describe('diff', () => {
  it('names what was added, removed and changed, ends with 8, and shows no secret', async () => {
    const { exit, out } = await inspect('diff', incident.before, incident.after, '-o', 'json');
    const { differences, outcome } = JSON.parse(out) as { differences: DifferenceAnswer[]; outcome: string };
    expect([exit, outcome]).toEqual([8, 'findings']);
    const named = differences.map(({ change, resource, name }) => `${change} ${resource} ${name}`);
    expect(named).toContain('removed configmaps app');
    expect(named).toContain('added configmaps late');
    expect(named).toContain('added events app.1');
    expect(named).toContain('changed secrets db');
    expect(out).not.toContain(Buffer.from(PASSWORD).toString('base64'));
    const shown = await inspect('diff', incident.before, incident.after, '--show-secrets', '-o', 'json');
    expect(shown.out).toContain(Buffer.from(PASSWORD).toString('base64'));
  });

  it('of a store with itself is nothing, and ends with 0', async () => {
    expect(await inspect('diff', incident.after, incident.after)).toMatchObject({ exit: 0 });
    // A compaction takes no object away.
    expect(await json('diff', incident.after, incident.compacted)).toMatchObject({ differences: [] });
  });

  it('says of a file that is no store what is wrong with it', async () => {
    const broken = await inspect('diff', incident.before, '/nonexistent');
    expect([broken.exit, broken.err]).toEqual([5, expect.stringContaining('SNAPSHOT_NOT_FOUND')]);
  });
});

describe('timeline', () => {
  it('tells the incident in order, from two snapshots each thing once', async () => {
    const { timeline } = await json<{
      timeline: { what: string; name: string; tool: string; source: string }[];
    }>('timeline', incident.before, incident.after, '--since', '2026-11-22', '-n', 'team-01');
    const story = timeline.filter(({ name }) => !name.includes('\u001b'));
    expect(story.map(({ what, name, tool, source }) => [what, name, tool, source])).toEqual([
      ['created', 'app', 'helm', 'row'],
      ['created', 'db', '', 'row'],
      ['changed', 'db', '', 'row'],
      ['changed', 'app', 'kubectl-edit', 'row'],
      ['event', 'app.1', 'kubelet', 'event'],
      ['created', 'early', 'helm', 'row'],
      ['deleted', 'app', '', 'tombstone'],
      ['created', 'late', 'helm', 'row'],
    ]);
  });

  it('gives Timesketch a line each', async () => {
    const { out } = await inspect(
      'timeline',
      incident.after,
      '--tool',
      'kubectl-edit',
      '--format',
      'timesketch',
    );
    const lines = out.trim().split('\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      message: expect.stringContaining('changed configmaps team-01/app by kubectl-edit'),
      datetime: '2026-11-22T10:05:00.000Z',
      timestamp_desc: 'Object changed',
    });
  });
});

describe('export', () => {
  it.each(['yaml', 'json'] as const)(
    'to %s keeps to its directory, its owner and its order',
    async (format) => {
      const directory = target();
      expect(await inspect('export', incident.after, directory, '--format', format)).toMatchObject({
        exit: 0,
      });
      const files = filesUnder(directory);
      expect(files.some((file) => file.startsWith('10-namespaces/'))).toBe(true);
      expect(files.filter((file) => /secret/u.test(file))).toEqual([]);
      for (const file of files) expect(lstatSync(join(directory, file)).mode & 0o777).toBe(0o600);
      // Every object that is no secret, and the card.
      const { keys } = await json<{ keys: { resource: string }[] }>('keys', incident.after);
      expect(files).toHaveLength(keys.filter(({ resource }) => resource !== 'secrets').length + 1);
      expect(existsSync(join(directory, '..', 'y'.repeat(900)))).toBe(false);
    },
  );

  it('that can be applied again holds nothing that a cluster assigns', async () => {
    const directory = target();
    await inspect('export', incident.before, directory, '--format', 'yaml', '--appliable', '--show-secrets');
    const object = parse(readFileSync(join(directory, '20-configmaps/team-01/app.yaml'), 'utf8')) as object;
    expect(object).toEqual({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'app', namespace: 'team-01' },
      data: { level: 'info' },
    });
    expect(filesUnder(directory).some((file) => file.startsWith('20-secrets/'))).toBe(true);
    expect(filesUnder(directory).some((file) => file.includes('events'))).toBe(false);
  });

  it('to SQLite can be asked in SQL, secrets masked', async () => {
    const directory = target();
    await inspect('export', incident.after, directory, '--format', 'sqlite');
    using database = new DatabaseSync(join(directory, 'store.sqlite'), { readOnly: true });
    const history = database
      .prepare('SELECT revision, deleted FROM history WHERE key = ? ORDER BY revision')
      .all(APP);
    expect(history.map((row) => [row['revision'], row['deleted']])).toEqual(
      incident.appRevisions.map((revision, index) => [revision, index === 2 ? 1 : 0]),
    );
    const count = database.prepare('SELECT count(*) AS n FROM objects').get();
    const { keys } = await json<{ keys: object[] }>('keys', incident.after);
    expect(count?.['n']).toBe(keys.length);
    const bytes = readFileSync(join(directory, 'store.sqlite'), 'latin1');
    expect(bytes).not.toContain(Buffer.from(PASSWORD).toString('base64'));
  });

  it('is laid out as kubectl cluster-info dump', async () => {
    const directory = target();
    await inspect('export', incident.before, directory, '--format', 'cluster-info-dump');
    const list = JSON.parse(readFileSync(join(directory, 'nodes.json'), 'utf8')) as {
      kind: string;
      items: { kind?: string; metadata: { name: string } }[];
    };
    expect(list.kind).toBe('NodeList');
    expect(list.items.length).toBeGreaterThan(0);
    expect(list.items[0]?.kind).toBeUndefined();
    for (const file of filesUnder(directory).filter((name) => name.endsWith('.json'))) {
      expect(() => JSON.parse(readFileSync(join(directory, file), 'utf8')) as unknown).not.toThrow();
    }
  });

  it('to JSON lines is what the timeline tells', async () => {
    const directory = target();
    await inspect('export', incident.after, directory, '--format', 'timesketch');
    const exported = readFileSync(join(directory, 'timeline.jsonl'), 'utf8').trim().split('\n');
    const { facts } = await json<{ facts: number }>('timeline', incident.after);
    expect(exported).toHaveLength(facts);
  });

  it('is refused where something is already, or behind a symbolic link', async () => {
    const directory = target();
    mkdirSync(directory);
    const link = target();
    symlinkSync(directory, link);
    const refused = { exit: 5, err: expect.stringContaining('EXPORT_TARGET_REFUSED') };
    expect(await inspect('export', incident.after, link, '--format', 'json')).toMatchObject(refused);
    writeFileSync(join(directory, 'mine'), 'kept');
    expect(await inspect('export', incident.after, directory, '--format', 'json')).toMatchObject(refused);
    expect(readdirSync(directory)).toEqual(['mine']);
  });

  it('leaves nothing where the store cannot be read', async () => {
    const directory = target();
    expect(await inspect('export', '/nonexistent', directory, '--format', 'json')).toMatchObject({ exit: 5 });
    expect(existsSync(directory)).toBe(false);
  });
});

describe('hostile text', () => {
  const commands = (after: string, before: string): string[][] => [
    ['keys', after],
    ['get', after, 'cm', '-n', 'team-01'],
    ['history', after, 'cm', HOSTILE],
    ['history', after, 'cm/app'],
    ['diff', before, after],
    ['timeline', after],
  ];

  it.each(['table', 'wide', 'json', 'yaml', 'name'])('reaches no terminal with -o %s', async (output) => {
    for (const args of commands(incident.after, incident.before)) {
      const { out, err } = await inspect(...args, '-o', output);
      expect(out, args.join(' ')).not.toBe('');
      // oxlint-disable-next-line no-control-regex
      expect(out + err, args.join(' ')).not.toMatch(/[\0-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u);
    }
  });

  it('is the same text again for who reads JSON', async () => {
    const { items } = await json<{ items: { metadata: { name: string } }[] }>(
      'get',
      incident.after,
      'cm',
      '-n',
      'team-01',
    );
    expect(items.map(({ metadata }) => metadata.name)).toContain(HOSTILE);
  });
});
