import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCommandLine } from '@lockstep/coordinator/cli/run.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseline, load } from '../../demo/baseline.ts';
import { type Intrusion, intrude } from '../../demo/intrusion.ts';
import { EtcdStore } from '../../lab/api-server/store.ts';
import { Fixture } from '../api-server/fixture.ts';
import { RecordingTerminal } from '../cli/command-line.ts';

/** Ten snapshots of a real etcd; the demo's intruder comes between the sixth and the seventh. */
const SNAPSHOTS = 10;
const CLEAN = 6;
/** Four of the demo's teams are enough. */
const OTHER_TEAMS = /\/team-(0[5-9]|[1-3]\d)(\/|$)/;
const NODES = ['cp1', 'cp2', 'cp3'];

interface Seen {
  readonly id: string;
  readonly severity: string;
  readonly subject: string;
  readonly sinceRevision: number;
  readonly objects: readonly { readonly key: string; readonly traits: readonly object[] }[];
}

let directory: string;
let intrusion: Intrusion;
const files: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-findings-'));
  await using fixture = await Fixture.create();
  await fixture.startEtcd();
  using store = new EtcdStore({ servers: [fixture.etcdUrl] });
  const controlPlane = NODES.map((name, index) => ({ name, address: `10.0.0.${index + 1}` }));
  const entries = [...baseline({ seed: 7, caPem: 'a CA', controlPlane, kubernetesVersion: 'v1.34.0' })];
  await load(
    store,
    entries.filter(({ key }) => !OTHER_TEAMS.test(key)),
  );
  fixture.startApiServer();
  await fixture.waitReady();
  for (let number = 1; number <= SNAPSHOTS; number += 1) {
    if (number === CLEAN + 1) {
      intrusion = await intrude(fixture.client, NODES, AbortSignal.timeout(90_000));
    }
    await fixture.json('POST', '/api/v1/namespaces/team-04/configmaps', 201, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `release-${number}` },
      data: { number: String(number) },
    });
    const file = join(directory, `s${String(number).padStart(2, '0')}.db`);
    await promisify(execFile)(fixture.etcdctl, [`--endpoints=${fixture.etcdUrl}`, 'snapshot', 'save', file]);
    files.push(file);
  }
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** One command line of the real program; JSON where nothing else is asked for. */
async function answer(...args: readonly string[]) {
  const terminal = new RecordingTerminal({ COLUMNS: '120' });
  const isJson = !args.includes('-o');
  const exit = await runCommandLine([...args, ...(isJson ? ['-o', 'json'] : [])], terminal);
  const text = terminal.written + terminal.complained;
  return { exit, text, json: (isJson ? JSON.parse(terminal.written) : {}) as Record<string, unknown> };
}

const keysOf = (findings: readonly Seen[]): Set<string> =>
  new Set(findings.flatMap(({ objects }) => objects.map(({ key }) => key)));

describe('findings on the untouched cluster', () => {
  it('there is none, with a baseline and without', async () => {
    const alone = await answer('inspect', 'findings', files[CLEAN - 1]!);
    expect(alone).toMatchObject({ exit: 0, json: { outcome: 'done', code: 'OK', findings: [], unread: [] } });
    const against = await answer('inspect', 'findings', files[CLEAN - 1]!, '--baseline', files[0]!);
    expect(against).toMatchObject({ exit: 0, json: { findings: [] } });
  });
});

describe('findings after the intrusion', () => {
  it('against a baseline name every planted thing, and nothing else', async () => {
    const { exit, json } = await answer(
      'inspect',
      'findings',
      files[CLEAN]!,
      '--baseline',
      files[CLEAN - 1]!,
    );
    expect(exit).toBe(8);
    const named = keysOf(json.findings as Seen[]);
    const planted = [...intrusion.added, ...intrusion.deleted, ...intrusion.changed];
    expect([...named].sort()).toEqual([...new Set(planted)].sort());
    const ids = new Set((json.findings as Seen[]).map(({ id }) => id));
    for (const id of [
      'LS-T1136-new-account',
      'LS-T1098.006-cluster-admin',
      'LS-T1098.006-new-binding',
      'LS-T1528-token-secret',
      'LS-T1496-miner',
      'LS-T1611-privileged',
      'LS-T1611-host-processes',
      'LS-T1070-deleted-events',
      'LS-T1098.001-changed-secret',
    ]) {
      expect(ids, id).toContain(id);
    }
  });

  it('without a baseline name what is wrong in itself', async () => {
    const { exit, json } = await answer('inspect', 'findings', files[CLEAN]!);
    expect(exit).toBe(8);
    const named = keysOf(json.findings as Seen[]);
    // An account is nothing in itself: its binding and its token are.
    const account = '/registry/serviceaccounts/kube-system/node-backup';
    const wrong = [...intrusion.added, ...intrusion.deleted].filter((key) => key !== account);
    expect(wrong.filter((key) => !named.has(key))).toEqual([]);
    expect(json.notTold).toEqual(expect.arrayContaining([expect.stringContaining('no baseline')]));
  });

  it('keep the miner’s daemon set and its pods in one finding, and secrets to themselves', async () => {
    const { json, text } = await answer(
      'inspect',
      'findings',
      files[CLEAN]!,
      '--baseline',
      files[CLEAN - 1]!,
    );
    const miner = (json.findings as Seen[]).filter(({ id }) => id === 'LS-T1496-miner');
    expect(miner).toHaveLength(1);
    expect(miner[0]?.subject).toBe('daemonsets.apps kube-system/gpu-metrics');
    expect(miner[0]?.objects).toHaveLength(1 + NODES.length);
    expect(text).not.toContain('known to the intruder');
    expect(text).not.toContain(Buffer.from('known to the intruder').toString('base64'));
    expect(text).not.toContain('"same"');
  });

  it('can be read by people', async () => {
    const { text } = await answer('inspect', 'findings', files[CLEAN]!, '-o', 'table');
    expect(text).toContain('critical A container mines a cryptocurrency');
    expect(text).toMatch(
      /lockstep inspect get \S+s07\.db (\\\n +)?\/registry\/daemonsets\/kube-system\/gpu-metrics (\\\n +)?--revision \d+/,
    );
  });
});

describe('bisect', () => {
  it('names the sixth of ten, whatever the order, and what ended cleanness', async () => {
    const shuffled = [...files].sort((a, b) => Number(a.at(-4)) - Number(b.at(-4)));
    const { exit, json } = await answer('inspect', 'bisect', ...shuffled);
    expect(exit).toBe(8);
    expect(json.lastClean).toBe(files[CLEAN - 1]);
    expect(json.firstUnclean).toBe(files[CLEAN]);
    expect(json.ended).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ first: '/registry/clusterrolebindings/node-backup' }),
      ]),
    );
    expect((json.snapshots as { file: string }[]).map(({ file }) => file)).toEqual(files);
  });

  it('does so against a baseline, over a directory', async () => {
    const { exit, json } = await answer(
      'inspect',
      'bisect',
      '--catalogue',
      directory,
      '--baseline',
      files[0]!,
    );
    expect(exit).toBe(8);
    expect(json.lastClean).toBe(files[CLEAN - 1]);
    expect((json.ended as { first: string }[])[0]?.first).toBe(
      '/registry/serviceaccounts/kube-system/node-backup',
    );
  });
});
