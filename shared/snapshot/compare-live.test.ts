import { describe, expect, it } from 'vitest';
import type { Consequences } from '../generated/lockstep/v1/plan.ts';
import { message, stored, textMap } from '../kubernetes/testing/wire-writer.ts';
import { compareLive, MAX_LISTED } from './compare-live.ts';
import { putRow, sealed, tombstoneRow, writeStore } from './testing/store-writer.ts';
import { TemporaryFiles } from './testing/temporary-file.ts';

const UID = 5;
type Objects = Readonly<Record<string, readonly [modRevision: number, value: Uint8Array]>>;

const meta = (uid: string, annotations: Record<string, string> = {}) =>
  message([UID, uid], ...textMap(12, annotations));
const plain = stored('v1', 'Thing', message([1, meta('u')]));
const pod = (uid: string, node: string, phase = 'Running', annotations = {}) =>
  stored(
    'v1',
    'Pod',
    message([1, meta(uid, annotations)], [2, message([10, node])], [3, message([1, phase])]),
  );
const job = (uid: string, condition?: string, suspended = false) =>
  stored(
    'batch/v1',
    'Job',
    message(
      [1, meta(uid)],
      [2, message([10, suspended])],
      [3, message([1, condition && message([1, condition], [2, 'True'])])],
    ),
  );
const cronJob = (seconds: bigint) =>
  stored('batch/v1', 'CronJob', message([1, meta('u')], [3, message([4, message([1, seconds])])]));
const secret = (type: string) => stored('v1', 'Secret', message([1, meta('u')], [3, type]));

async function compare(
  then: Objects,
  now: Objects,
  passesOver: (key: string) => boolean = () => false,
): Promise<Consequences> {
  using files = new TemporaryFiles();
  const rows = Object.entries(then)
    .map(([key, [revision, value]]) => putRow(revision, 0, `/registry/${key}`, value))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const others = [
    putRow(900, 0, '/elsewhere/x', 'y'),
    putRow(901, 0, '/registry/pods/a/dead', plain),
    tombstoneRow(902, 0, '/registry/pods/a/dead'),
  ];
  const snapshotPath = files.write(sealed(writeStore({ key: [...rows, ...others], meta: [] })));
  async function* live() {
    for (const [key, [revision]] of Object.entries(now)) {
      yield { key: Buffer.from(`/registry/${key}`), modRevision: BigInt(revision) };
    }
  }
  return await compareLive(
    {
      snapshotPath,
      registryPrefix: '/registry',
      live: live(),
      getLive: async (key) => now[Buffer.from(key).toString().slice('/registry/'.length)]?.[1],
      passesOver,
    },
    AbortSignal.timeout(10_000),
  );
}

describe('compareLive', () => {
  it('says nothing of keys that the restore does not take from the snapshot', async () => {
    const { lost, revived, changed, nodesRevived } = await compare(
      { 'minions/theirs': [1, plain], 'minions/both': [2, plain], 'configmaps/a/x': [3, plain] },
      { 'minions/ours': [4, plain], 'minions/both': [5, plain] },
      (key) => key.startsWith('/registry/minions/'),
    );
    expect({ lost, revived, changed, nodesRevived }).toEqual({
      lost: [],
      revived: [{ resource: 'configmaps', namespace: 'a', count: 1n }],
      changed: [],
      nodesRevived: [],
    });
  });

  it('counts what is lost, comes back and changes', async () => {
    const result = await compare(
      {
        'configmaps/a/same': [1, plain],
        'configmaps/a/changed': [2, plain],
        'configmaps/b/back': [3, plain],
        'minions/n9': [4, plain],
      },
      {
        'configmaps/a/same': [1, plain],
        'configmaps/a/changed': [20, plain],
        'configmaps/a/new': [21, plain],
        'x.example.com/things/y': [22, plain],
      },
    );
    expect(result).toMatchObject({
      known: true,
      lost: [
        { resource: 'configmaps', namespace: 'a', count: 1n },
        { resource: 'x.example.com/things', namespace: '', count: 1n },
      ],
      changed: [{ resource: 'configmaps', namespace: 'a', count: 1n }],
      revived: [
        { resource: 'configmaps', namespace: 'b', count: 1n },
        { resource: 'minions', namespace: '', count: 1n },
      ],
      nodesRevived: ['n9'],
      lostExamples: ['/registry/configmaps/a/new', '/registry/x.example.com/things/y'],
      truncatedLists: [],
    });
  });

  it('names the pods that kubelets will kill, and no other', async () => {
    const result = await compare(
      {
        'pods/a/recreated': [1, pod('old', 'n1')],
        'pods/a/placed-since': [2, pod('u', '')],
        'pods/a/touched': [3, pod('u', 'n1')],
      },
      {
        'pods/a/new': [10, pod('u', 'n2')],
        'pods/a/recreated': [11, pod('new', 'n1')],
        'pods/a/placed-since': [12, pod('u', 'n3')],
        'pods/a/touched': [13, pod('u', 'n1')],
        'pods/a/unscheduled': [14, pod('u', '')],
        'pods/a/done': [15, pod('u', 'n1', 'Succeeded')],
        'pods/kube-system/etcd-cp1': [16, pod('u', 'cp1', 'Running', { 'kubernetes.io/config.mirror': 'x' })],
      },
    );
    expect(result.podsKilled).toEqual(['a/new on n2', 'a/placed-since on n3', 'a/recreated on n1']);
  });

  it('names the jobs that will run again', async () => {
    const result = await compare(
      {
        'jobs/a/done-since': [1, job('u')],
        'jobs/a/deleted-since': [2, job('u')],
        'jobs/a/was-done': [3, job('u', 'Complete')],
        'jobs/a/still-runs': [4, job('u')],
        'jobs/a/suspended': [5, job('u', undefined, true)],
        'cronjobs/a/nightly': [6, cronJob(100n)],
        'cronjobs/a/weekly': [7, cronJob(100n)],
      },
      {
        'jobs/a/done-since': [10, job('u', 'Complete')],
        'jobs/a/still-runs': [11, job('u')],
        'cronjobs/a/nightly': [12, cronJob(200n)],
        'cronjobs/a/weekly': [13, cronJob(100n)],
      },
    );
    expect(result.jobsRerun).toEqual(['a/deleted-since', 'a/done-since', 'a/nightly (cron job)']);
  });

  it('names access that comes back, and volumes on one side only', async () => {
    const encrypted = Buffer.from('k8s:enc:aescbc:v1:one:xxxxxxxx');
    const result = await compare(
      {
        'secrets/a/token': [1, secret('kubernetes.io/service-account-token')],
        'secrets/kube-system/bootstrap-token-x': [2, secret('bootstrap.kubernetes.io/token')],
        'secrets/a/opaque': [3, secret('Opaque')],
        'secrets/a/sealed': [4, encrypted],
        'serviceaccounts/a/gone': [5, plain],
        'serviceaccounts/a/remade': [6, stored('v1', 'ServiceAccount', message([1, meta('old')]))],
        'clusterrolebindings/admin': [7, plain],
        'rolebindings/a/edit': [8, plain],
        'persistentvolumes/then': [9, plain],
      },
      {
        'serviceaccounts/a/remade': [20, stored('v1', 'ServiceAccount', message([1, meta('new')]))],
        'persistentvolumes/now': [21, plain],
      },
    );
    expect(result.accessRevived).toEqual([
      'clusterrolebindings admin',
      'rolebindings a/edit',
      'secrets a/sealed (encrypted: its type is not known)',
      'secrets a/token',
      'secrets kube-system/bootstrap-token-x',
      'serviceaccounts a/gone',
      'serviceaccounts a/remade',
    ]);
    expect(result.volumesDiverging).toEqual(['now (only now)', 'then (only in the snapshot)']);
  });

  it('cuts long lists and says which', async () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_LISTED + 1 }, (_, index) => [
        `pods/a/p${index}`,
        [index + 1, pod('u', 'n')] as const,
      ]),
    );
    const result = await compare({}, many);
    expect(result.podsKilled).toHaveLength(MAX_LISTED);
    expect(result.lostExamples).toHaveLength(100);
    expect(result.truncatedLists).toEqual(['podsKilled']);
    expect(result.lost).toEqual([{ resource: 'pods', namespace: 'a', count: BigInt(MAX_LISTED + 1) }]);
  });

  it('takes keys in any alphabet', async () => {
    const result = await compare(
      { 'clusterroles/größe': [1, plain] },
      { 'clusterroles/größe': [1, plain], 'clusterroles/名': [5, plain] },
    );
    expect(result).toMatchObject({ revived: [], changed: [], lostExamples: ['/registry/clusterroles/名'] });
  });
});
