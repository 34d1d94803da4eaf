import type { EvidenceFacts } from '@lockstep/shared/evidence/evidence.ts';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { describe, expect, it } from 'vitest';
import { memoryEvidence, type WrittenRow } from '../testing/memory-evidence.ts';
import { bisect } from './bisect.ts';
import { builtInRules } from './built-in.ts';
import { compileRule } from './declared-rule.ts';
import { findingsOf } from './findings.ts';
import { manifestRule } from './manifest-rule.ts';
import { scan } from './scan.ts';

const decoder = new Decoder();
const NAMESPACES: readonly WrittenRow[] = [
  put(2, '/registry/namespaces/team-01', { kind: 'Namespace' }),
  put(3, '/registry/namespaces/kube-system', { kind: 'Namespace' }),
];

function put(main: number, key: string, fields: object, lease = ''): WrittenRow {
  const segments = key.split('/');
  const metadata = { name: segments.at(-1), ...(segments.length > 4 ? { namespace: segments[3] } : {}) };
  const value = JSON.stringify({ apiVersion: 'v1', metadata, ...fields });
  return { main, key, value, ...(lease === '' ? {} : { lease }) };
}

function binding(
  main: number,
  name: string,
  subjects: readonly string[],
  manager = 'kubectl-create',
): WrittenRow {
  return put(main, `/registry/clusterrolebindings/${name}`, {
    kind: 'ClusterRoleBinding',
    metadata: { name, managedFields: [{ manager, operation: 'Update', time: '2026-11-22T10:00:00Z' }] },
    roleRef: { name: 'cluster-admin' },
    subjects: subjects.map((subject) => ({ kind: 'User', name: subject })),
  });
}

function look(
  rows: readonly WrittenRow[],
  facts: Partial<EvidenceFacts> = {},
  carved: readonly (WrittenRow & { page: number })[] = [],
) {
  return scan(memoryEvidence([...NAMESPACES, ...rows], facts, carved), decoder, builtInRules());
}

const ids = (...args: Parameters<typeof findingsOf>): string[] => findingsOf(...args).map(({ id }) => id);

describe('findings', () => {
  it('name the object, the revision, the tool and the time at which it began', () => {
    const [finding] = findingsOf(
      look([binding(7, 'ops', ['jane'], 'kubectl-create'), binding(9, 'ops', ['jane', 'joe'], 'helm')]),
    );
    expect(finding).toMatchObject({
      id: 'LS-T1098.006-cluster-admin',
      subject: 'clusterrolebindings.rbac.authorization.k8s.io ops',
      sinceRevision: 7,
      author: { tool: 'kubectl-create', at: '2026-11-22T10:00:00Z' },
      check: 'lockstep inspect get FILE /registry/clusterrolebindings/ops --revision 9',
    });
  });

  it('against a baseline name only what was widened, by whom and when', () => {
    const before = look([binding(7, 'ops', ['jane'])]);
    const after = look([binding(7, 'ops', ['jane']), binding(9, 'ops', ['jane', 'joe'], 'helm')]);
    expect(findingsOf(before, before)).toEqual([]);
    const found = findingsOf(after, before);
    expect(found.map(({ id }) => id)).toEqual(['LS-T1098.006-cluster-admin', 'LS-T1098.006-new-binding']);
    for (const { sinceRevision, author, objects } of found) {
      expect({ sinceRevision, tool: author.tool }).toEqual({ sinceRevision: 9, tool: 'helm' });
      expect(objects[0]?.traits.every(({ value }) => value.includes('joe'))).toBe(true);
    }
  });

  it('name nobody and no time for a write that left managedFields as they were', () => {
    const secret = (main: number, value: string) =>
      put(main, '/registry/secrets/team-01/db', {
        kind: 'Secret',
        metadata: {
          name: 'db',
          namespace: 'team-01',
          creationTimestamp: '2026-04-01T10:00:00Z',
          managedFields: [
            { manager: 'helm', operation: 'Update', time: '2026-04-02T10:00:00Z' },
            { manager: 'warden', operation: 'Update', subresource: 'status', time: '2026-04-03T10:00:00Z' },
          ],
        },
        data: { password: value },
      });
    const before = look([secret(7, 'one')]);
    const found = findingsOf(look([secret(7, 'one'), secret(9, 'two')]), before);
    expect(found.map(({ sinceRevision, author }) => ({ sinceRevision, author }))).toEqual([
      { sinceRevision: 9, author: { tool: '', at: '' } },
    ]);
    // With the version before compacted away, the last entry of its own is all there is.
    const [alone] = findingsOf(look([{ ...secret(9, 'two'), createRevision: 7 }]), before);
    expect(alone?.author).toEqual({ tool: 'helm', at: '2026-04-02T10:00:00Z' });
  });

  it('do not miss what was undone again, nor what only a free page holds', () => {
    const undone = findingsOf(
      look([binding(7, 'ops', ['jane']), { main: 9, key: '/registry/clusterrolebindings/ops' }]),
    );
    expect(undone[0]?.objects[0]).toMatchObject({ standing: 'deleted', revision: 7 });
    const overwritten = findingsOf(look([binding(7, 'ops', ['jane']), binding(9, 'ops', [])]));
    expect(overwritten[0]?.objects[0]?.standing).toBe('overwritten');
    const carved = findingsOf(look([], {}, [{ ...binding(7, 'ops', ['jane']), page: 3 }]));
    expect(carved[0]?.objects[0]).toMatchObject({
      standing: 'carved',
      key: '/registry/clusterrolebindings/ops',
    });
  });

  it('say of a secret that it changed and never what it holds', () => {
    const secret = (main: number, password: string) =>
      put(main, '/registry/secrets/team-01/db', { kind: 'Secret', type: 'Opaque', data: { password } });
    const found = findingsOf(look([secret(7, 'b2xk'), secret(9, 'bmV3')]), look([secret(7, 'b2xk')]));
    expect(found.map(({ id }) => id)).toEqual(['LS-T1098.001-changed-secret']);
    expect(found[0]?.objects[0]?.traits[0]).toMatchObject({
      field: 'data.password',
      value: '(not shown)',
      sinceRevision: 9,
    });
    expect(JSON.stringify(found)).not.toMatch(/bmV3|b2xk/);
  });

  it('count what could not be looked into, and not what is gone', () => {
    const closed = { main: 7, key: '/registry/secrets/team-01/db', value: 'k8s:enc:aescbc:v1:key1:xxxx' };
    expect(look([closed]).unread).toEqual([
      { resource: 'secrets', count: 1, why: 'encrypted (aescbc key1)' },
    ]);
    expect(look([closed, { main: 8, key: closed.key }]).unread).toEqual([]);
  });

  it('tell that a guard is gone, by its tombstone or against the baseline, but not one that went with its namespace', () => {
    const quota = put(7, '/registry/resourcequotas/team-01/q', { kind: 'ResourceQuota' });
    const gone = { main: 9, key: quota.key };
    expect(findingsOf(look([quota, gone]))[0]).toMatchObject({
      id: 'LS-T1562.001-guard-removed',
      sinceRevision: 9,
    });
    expect(ids(look([]), look([quota]))).toEqual(['LS-T1562.001-guard-removed']);
    expect(ids(look([quota, gone, { main: 10, key: '/registry/namespaces/team-01' }]))).toEqual([]);
  });

  it('tell of mirror pods without a manifest, on nodes of which there is a record', () => {
    const mirror = (name: string, nodeName: string) =>
      put(7, `/registry/pods/kube-system/${name}`, {
        kind: 'Pod',
        metadata: { name, namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': 'h' } },
        spec: { nodeName },
      });
    const rule = manifestRule([{ node: 'cp1', pods: new Set(['kube-system/etcd-cp1']) }]);
    const rows = [mirror('etcd-cp1', 'cp1'), mirror('helper-cp1', 'cp1'), mirror('helper-cp2', 'cp2')];
    const found = findingsOf(scan(memoryEvidence(rows), decoder, [rule]));
    expect(found.map(({ subject }) => subject)).toEqual(['pods kube-system/helper-cp1']);
  });
});

describe('a rule that names namespaces and names', () => {
  const pod = (main: number, namespace: string, name: string) =>
    put(main, `/registry/pods/${namespace}/${name}`, {
      kind: 'Pod',
      metadata: { name, namespace },
      spec: { containers: [{ name: 'main', image: 'busybox' }] },
    });
  const rule = compileRule({
    id: 'ACME-web',
    title: 'A pod of the web',
    techniques: ['T1610'],
    severity: 'low',
    why: 'w',
    innocent: 'i',
    select: { resources: ['pods'], namespaces: ['team-*'], names: ['web-?'] },
  });

  it('says nothing of what lies elsewhere or is called otherwise', () => {
    const rows = [pod(7, 'team-01', 'web-1'), pod(8, 'other', 'web-1'), pod(9, 'team-01', 'db-1')];
    const found = findingsOf(scan(memoryEvidence(rows), decoder, [rule]));
    expect(found.map(({ subject }) => subject)).toEqual(['pods team-01/web-1']);
  });

  it('does not count what it does not mean among what could not be looked into', () => {
    const closed = (main: number, namespace: string) => ({
      main,
      key: `/registry/pods/${namespace}/web-1`,
      value: 'k8s:enc:aescbc:v1:key1:xxxx',
    });
    const { unread } = scan(
      memoryEvidence([closed(7, 'team-01'), closed(8, 'other'), closed(9, 'another')]),
      decoder,
      [rule],
    );
    expect(unread).toEqual([{ resource: 'pods', count: 1, why: 'encrypted (aescbc key1)' }]);
  });

  it('of ours tells of the system’s namespaces alone', () => {
    const lonely = [pod(7, 'kube-system', 'helper'), pod(8, 'team-01', 'helper')];
    const found = findingsOf(look(lonely)).filter(({ id }) => id === 'LS-T1610-pod-of-nobody');
    expect(found.map(({ subject }) => subject)).toEqual(['pods kube-system/helper']);
  });
});

describe('traces of removal', () => {
  const event = (main: number, name: string, lease: string) =>
    put(main, `/registry/events/team-01/${name}`, { kind: 'Event' }, lease);
  const gone = (main: number, name: string) => ({ main, key: `/registry/events/team-01/${name}` });
  const living = { leases: [{ id: 'a1', ttlSeconds: 3_600 }] };

  it('are events that were deleted while their lease lives', () => {
    const found = findingsOf(look([event(7, 'e1', 'a1'), gone(9, 'e1')], living));
    expect(found[0]).toMatchObject({
      id: 'LS-T1070-deleted-events',
      subject: 'events in team-01',
      sinceRevision: 9,
    });
  });

  it('are not events whose lease has ended, nor those of a namespace that is gone', () => {
    expect(ids(look([event(7, 'e1', 'b2'), gone(9, 'e1')], living))).toEqual([]);
    const all = [event(7, 'e1', 'a1'), gone(9, 'e1'), { main: 10, key: '/registry/namespaces/team-01' }];
    expect(ids(look(all, living))).toEqual([]);
  });

  const map = (main: number, name: string, sub = 0) => ({
    ...put(main, `/registry/configmaps/team-01/${name}`, { kind: 'ConfigMap' }),
    sub,
  });

  it('are several deletions in one transaction, but not those of a lease', () => {
    const both = [
      map(7, 'a'),
      map(8, 'b'),
      { main: 9, key: map(7, 'a').key },
      { main: 9, sub: 1, key: map(8, 'b').key },
    ];
    expect(ids(look(both))).toEqual(['LS-T1070-deleted-past-the-api']);
    const ended = [event(7, 'a', 'b2'), event(8, 'b', 'b2'), gone(9, 'a'), { ...gone(9, 'b'), sub: 1 }];
    expect(ids(look(ended))).toEqual([]);
  });

  it('are a hundred deletions in a row, not a few', () => {
    const all = (count: number) => [
      ...Array.from({ length: count }, (_, index) => map(10 + index, `m${index}`)),
      ...Array.from({ length: count }, (_, index) => ({ main: 1_000 + index, key: map(0, `m${index}`).key })),
    ];
    expect(ids(look(all(100)))).toEqual(['LS-T1070-deletion-burst']);
    expect(ids(look(all(99)))).toEqual([]);
  });

  it('are a compaction that the API server did not make, but not that of a restore', () => {
    const facts = { compactRevision: 900, apiServerCompactRevision: 500 };
    expect(ids(look([], facts))).toEqual(['LS-T1070-early-compaction']);
    expect(ids(look([], { compactRevision: 500, apiServerCompactRevision: 500 }))).toEqual([]);
    expect(ids(look([{ main: 900, key: '', value: '' }], facts))).toEqual([]);
  });

  it('are a file that is younger than its revision', () => {
    expect(ids(look([], { revision: 1_000_000, transactionId: 12n }))).toEqual(['LS-T1070-defragmented']);
    expect(ids(look([], { revision: 1_000_000, transactionId: 300_000n }))).toEqual([]);
  });

  it('are secrets in plain text among encrypted ones', () => {
    const plain = put(9, '/registry/secrets/team-01/plain', { kind: 'Secret', type: 'Opaque' });
    const closed = { main: 7, key: '/registry/secrets/team-01/db', value: 'k8s:enc:aescbc:v1:key1:xxxx' };
    expect(findingsOf(look([closed, plain]))[0]?.subject).toBe('secrets written plain among encrypted ones');
    expect(ids(look([plain]))).toEqual([]);
  });
});

describe('bisect', () => {
  it('does not take for clean what comes after an unclean one', () => {
    const dirty = findingsOf(look([binding(7, 'ops', ['jane'])]));
    const at = (revision: number, findings = [] as typeof dirty) => ({
      file: `s${revision}.db`,
      revision,
      takenAtMs: undefined,
      findings,
      unread: 0,
    });
    const { lastClean, firstUnclean, cleanAgain } = bisect([at(4), at(3, dirty), at(1), at(2)]);
    expect([lastClean?.file, firstUnclean?.file, cleanAgain.map(({ file }) => file)]).toEqual([
      's2.db',
      's3.db',
      ['s4.db'],
    ]);
    expect(bisect([at(1, dirty), at(2)]).lastClean).toBeUndefined();
    expect(bisect([at(1), at(2)]).lastClean?.file).toBe('s2.db');
  });
});
