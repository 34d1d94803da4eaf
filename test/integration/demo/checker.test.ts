import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Entry } from '../../demo/baseline/entry.ts';
import { load } from '../../demo/baseline.ts';
import { check, type Expectations } from '../../demo/checker.ts';
import { Etcdctl } from '../../demo/etcdctl.ts';
import { EtcdStore } from '../../lab/api-server/store.ts';
import { type EtcdTools, locateTools } from '../../lab/tools/locate.ts';
import { type PemFiles, writeCertificates } from '../adapters/support/certificates.ts';
import { type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';

const run = promisify(execFile);
const ADDRESS = '127.0.0.1';
const SECRET = '/registry/secrets/shop/password';
const EVENT = '/registry/events/shop/started';
const MINER = '/registry/daemonsets/kube-system/miner';

const entries: Entry[] = [
  { key: '/registry/configmaps/shop/a', value: Buffer.from('k8s\0a') },
  { key: '/registry/configmaps/shop/b', value: Buffer.from([0, 255, 10, 34, 92]) },
  { key: EVENT, value: Buffer.from('started') },
  { key: SECRET, value: Buffer.from('ours') },
];
const intrusion = { added: [MINER], deleted: [EVENT], changed: [SECRET], pods: [] };

let directory: string;
let tools: EtcdTools;
let tls: PemFiles;
let etcd: RunningEtcd;
let expected: Expectations;

const storeOf = ({ endpoint }: RunningEtcd): EtcdStore =>
  new EtcdStore({ servers: [endpoint.url], caFile: tls.ca, certFile: tls.cert, keyFile: tls.key });

const membersOf = ({ endpoint }: RunningEtcd): Parameters<typeof check>[0] => [
  {
    name: 'm1',
    etcdctl: new Etcdctl(tools.etcdctl, {
      name: 'm1',
      endpoint: endpoint.url,
      caFile: tls.ca,
      certFile: tls.cert,
      keyFile: tls.key,
    }),
  },
];

/** The store as it was saved, brought back with a bump as Lockstep does it, by etcd's own tool. */
async function restored(snapshot: string, name: string): Promise<RunningEtcd> {
  const dataDir = join(directory, name);
  const peer = 'https://127.0.0.1:1';
  await run(tools.etcdutl, [
    'snapshot',
    'restore',
    snapshot,
    `--data-dir=${dataDir}`,
    '--name=m1',
    `--initial-cluster=m1=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    '--bump-revision=1000',
    '--mark-compacted',
  ]);
  return startEtcd({ directory, address: ADDRESS, tls, dataDir });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-checker-'));
  tools = (await locateTools()).etcd;
  tls = await writeCertificates(join(directory, 'pki'), ADDRESS);
  etcd = await startEtcd({ directory, address: ADDRESS, tls });
  using store = storeOf(etcd);
  const { digests } = await load(store, entries);
  const snapshotRevision = await store.revision();
  const snapshot = join(directory, 'snapshot.db');
  await run(tools.etcdctl, [
    `--endpoints=${etcd.endpoint.url}`,
    `--cacert=${tls.ca}`,
    `--cert=${tls.cert}`,
    `--key=${tls.key}`,
    'snapshot',
    'save',
    snapshot,
  ]);
  await store.put(MINER, Buffer.from('miner'));
  await store.deleteAll([EVENT]);
  await store.put(SECRET, Buffer.from('theirs'));
  expected = { digests, intrusion, heldRevision: await store.revision(), snapshotRevision };
});

afterAll(async () => {
  await etcd.kill();
  await rm(directory, { recursive: true, force: true });
});

test('a store where nothing was restored is convicted of every deed', async () => {
  const verdict = await check(membersOf(etcd), { ...expected, snapshotRevision: 0n });
  expect(verdict.intrusion).toEqual({ objects: 3, remaining: 3 });
  expect(verdict.baseline).toEqual({ objects: 4, missing: 1, changed: 1 });
  expect(verdict.members[0]?.watch).toBe('silence');
});

test('a store that was brought back is whole, clean and tells its watchers; what is done to it afterwards shows', async () => {
  await etcd.kill();
  etcd = await restored(join(directory, 'snapshot.db'), 'restored');
  const verdict = await check(membersOf(etcd), expected);
  expect(verdict.intrusion).toEqual({ objects: 3, remaining: 0 });
  expect(verdict.baseline).toEqual({ objects: 4, missing: 0, changed: 0 });
  expect(verdict.hashKv.equal).toBe(true);
  expect(verdict.gateRevision).toBe(expected.snapshotRevision + 1_000n);
  expect(verdict.members[0]?.watch).toBe('compacted');

  using store = storeOf(etcd);
  await store.put('/registry/configmaps/shop/a', Buffer.from('a client wrote after the gate'));
  await store.put(MINER, Buffer.from('back again'));
  const later = await check(membersOf(etcd), expected);
  expect(later.baseline).toEqual({ objects: 4, missing: 0, changed: 0 });
  expect(later.intrusion.remaining).toBe(1);
});
