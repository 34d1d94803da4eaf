import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SnapshotFacts } from '../generated/lockstep/v1/snapshot.ts';
import { message, stored, textMap } from '../kubernetes/testing/wire-writer.ts';
import { type ReadOptions, readReceivedFacts, readSnapshotFacts } from './facts.ts';
import { inWorker } from './in-worker.ts';
import { MAX_OBJECT_COUNTS } from './kubernetes-facts.ts';
import { damaged, type Entry, putRow, sealed, tombstoneRow, writeStore } from './testing/store-writer.ts';
import { TemporaryFiles } from './testing/temporary-file.ts';
import { digestFile } from './trailer.ts';

const soon = () => AbortSignal.timeout(10_000);
const META: Entry[] = [['consistent_index', Buffer.alloc(8)]];

async function facts(
  bytes: Uint8Array,
  options: ReadOptions = { trailer: 'required' },
): Promise<SnapshotFacts> {
  using files = new TemporaryFiles();
  return await readSnapshotFacts(files.write(bytes), options, soon());
}

async function codeOf(bytes: Uint8Array, options?: ReadOptions): Promise<string> {
  try {
    await facts(bytes, options);
    return 'read';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

const store = (rows: readonly Entry[], others: Record<string, Entry[]> = {}) =>
  writeStore({ key: rows, meta: META, ...others }, { entriesPerLeaf: 3, inlineUpTo: 2 });

const rows = [
  putRow(2, 0, '/registry/namespaces/default', 'x'),
  putRow(3, 0, '/registry/pods/default/a', 'one'),
  putRow(3, 1, '/registry/pods/default/b', 'two'),
  putRow(4, 0, '/registry/pods/default/a', 'three'),
  tombstoneRow(5, 0, '/registry/pods/default/b'),
];

describe('the trailer', () => {
  const image = store(rows);
  const whole = sealed(image);

  it('must be there, whole, and of these bytes', async () => {
    expect(await codeOf(whole)).toBe('read');
    expect(await codeOf(image)).toBe('SNAPSHOT_TRAILER_MISSING');
    expect(await codeOf(whole.subarray(0, -1))).toBe('SNAPSHOT_TRUNCATED');
    expect(await codeOf(whole.subarray(0, -31))).toBe('SNAPSHOT_TRUNCATED');
    expect(await codeOf(whole.subarray(0, -4096))).toBe('SNAPSHOT_TRUNCATED');
    expect(await codeOf(Buffer.alloc(0))).toBe('SNAPSHOT_TRUNCATED');
    expect(await codeOf(Buffer.alloc(5000, 7))).toBe('SNAPSHOT_TRAILER_MISSING');
    expect(await codeOf(sealed(Buffer.concat([image, Buffer.alloc(4096)])))).toBe('SNAPSHOT_CORRUPT');
  });

  it('finds any byte flipped, whatever it breaks besides', async () => {
    for (let at = 0; at < whole.length; at += 97) {
      expect(await codeOf(damaged(whole, (copy) => copy.writeUInt8(copy[at]! ^ 0x10, at)))).toBe(
        'SNAPSHOT_TRAILER_MISMATCH',
      );
    }
  });

  it('is not asked of a store in a data directory, which may be longer than its pages', async () => {
    const options = { trailer: 'absent' } as const;
    expect(await facts(image, options)).toMatchObject({ trailerPresent: false, trailerValid: false });
    expect(await codeOf(Buffer.concat([image, Buffer.alloc(8192)]), options)).toBe('read');
    expect(await codeOf(image.subarray(0, -1), options)).toBe('SNAPSHOT_TRUNCATED');
  });

  it('is part of the file’s digest', async () => {
    expect(await facts(whole)).toMatchObject({
      fileSha256: createHash('sha256').update(whole).digest('hex'),
      fileSizeBytes: BigInt(whole.length),
      trailerPresent: true,
      trailerValid: true,
    });
  });
});

describe('readSnapshotFacts', () => {
  it('says so where there is no file', async () => {
    await expect(readSnapshotFacts('/nowhere/x.db', { trailer: 'required' }, soon())).rejects.toMatchObject({
      code: 'SNAPSHOT_NOT_FOUND',
    });
  });

  it('replays puts and deletes', async () => {
    const found = await facts(sealed(store(rows)));
    expect(found.status).toMatchObject({ revision: 5n, totalEntries: 6n, liveKeys: 2n });
    expect(found.registryPrefix).toBe('/registry');
    expect(found.objects).toEqual([
      { resource: 'namespaces', namespace: '', count: 1n },
      { resource: 'pods', namespace: 'default', count: 1n },
    ]);
  });

  it('is the same content whatever the pages, and another with any byte moved', async () => {
    const digest = async (image: Buffer, contentUpToRevision?: bigint) =>
      (
        await facts(sealed(image), {
          trailer: 'required',
          ...(contentUpToRevision && { contentUpToRevision }),
        })
      ).contentSha256;
    const expected = await digest(store(rows));
    expect(await digest(writeStore({ key: rows, meta: META, lease: [] }))).toBe(expected);
    expect(await digest(writeStore({ key: rows, meta: META }, { inlineUpTo: 100, freePages: 3 }))).toBe(
      expected,
    );
    const [name, value] = rows[1]!;
    const shifted = Buffer.concat([Buffer.from(value), Buffer.from([0x38, 0])]);
    expect(await digest(store(rows.with(1, [name, shifted])))).not.toBe(expected);
    expect(await digest(store(rows.slice(0, -1)))).not.toBe(expected);
    expect(await digest(store(rows), 4n)).toBe(await digest(store(rows.slice(0, -1))));
  });

  it('tells the row of a bump from anything else above the content', async () => {
    const options = { trailer: 'required', contentUpToRevision: 5n } as const;
    const original = await facts(sealed(store(rows)));
    const bump: Entry = [putRow(1_000_005, 0, '', '')[0], ''];
    const bumped = await facts(sealed(store([...rows, bump])), options);
    expect(bumped).toMatchObject({
      contentSha256: original.contentSha256,
      contentRevision: 5n,
      rowsAboveContent: 1n,
      onlyBumpRowAboveContent: true,
    });
    expect(bumped.status?.revision).toBe(1_000_005n);
    const written = await facts(sealed(store([...rows, putRow(6, 0, '/x', 'y')])), options);
    expect(written).toMatchObject({ rowsAboveContent: 1n, onlyBumpRowAboveContent: false });
    const both = await facts(sealed(store([...rows, putRow(6, 0, '/x', 'y'), bump])), options);
    expect(both).toMatchObject({ rowsAboveContent: 2n, onlyBumpRowAboveContent: false });
    expect(original).toMatchObject({ rowsAboveContent: 0n, onlyBumpRowAboveContent: false });
  });

  it('reads what etcd keeps beside the keys', async () => {
    const revision = putRow(9, 0, '', '')[0];
    const found = await facts(
      sealed(
        store(rows, {
          meta: [
            ['consistent_index', Buffer.alloc(8)],
            ['finishedCompactRev', revision],
            ['scheduledCompactRev', putRow(12, 0, '', '')[0]],
            ['storageVersion', '3.6.0'],
          ],
          cluster: [['clusterVersion', '3.6.0']],
          auth: [['authEnabled', Buffer.from([1])]],
          alarm: [
            [message([1, 77n], [2, 1n]), ''],
            [message([1, 78n], [2, 1n]), ''],
          ],
          lease: [
            [Buffer.from('1'), message([1, 1n], [2, 3600n])],
            [Buffer.from('2'), message([1, 2n], [2, 15n])],
            [Buffer.from('3'), message([1, 3n], [2, 3600n], [3, 20n])],
          ],
          members: [
            [
              '8e9e05c52164694d',
              '{"id":10276657743932975437,"peerURLs":["http://a"],"name":"cp1","clientURLs":["http://b"]}',
            ],
            ['9', '{"peerURLs":["http://c"],"isLearner":true}'],
            ['a', 'not JSON'],
          ],
        }),
      ),
    );
    expect(found).toMatchObject({
      compactRevision: 9n,
      scheduledCompactRevision: 12n,
      clusterVersion: '3.6.0',
      authEnabled: true,
      alarms: ['NOSPACE'],
      leaseCount: 3n,
      shortLeaseCount: 2n,
      members: [
        {
          id: '8e9e05c52164694d',
          name: 'cp1',
          peerUrls: ['http://a'],
          clientUrls: ['http://b'],
          learner: false,
        },
        { id: '9', name: '', peerUrls: ['http://c'], clientUrls: [], learner: true },
        { id: 'a', name: '', peerUrls: [], clientUrls: [], learner: false },
      ],
    });
    expect(found.status?.storageVersion).toBe('3.6.0');
  });

  it('refuses what is a bbolt file but no store of etcd', async () => {
    expect(await codeOf(sealed(writeStore({ other: META })))).toBe('SNAPSHOT_CORRUPT');
    expect(await codeOf(sealed(store([...rows, ['unnamed', 'row']])))).toBe('SNAPSHOT_CORRUPT');
    expect(await codeOf(sealed(store([...rows, [putRow(6, 0, '', '')[0], Buffer.from([0x0a])]])))).toBe(
      'SNAPSHOT_CORRUPT',
    );
  });

  it('reads in a worker as in place, and stops both at the signal', async () => {
    const value = Buffer.concat([Buffer.from('k8s:enc:aesgcm:v1:k:'), Buffer.alloc(50_000, 1)]);
    const many = Array.from({ length: 120 }, (_, index) =>
      putRow(index + 2, 0, `/registry/secrets/a/s${index}`, value),
    );
    const last = putRow(500, 0, '/registry/namespaces/default', 'x');
    using files = new TemporaryFiles();
    const path = files.write(sealed(store([...many, last])));
    const inPlace = await readSnapshotFacts(path, { trailer: 'required' }, soon());
    expect(inPlace.status).toMatchObject({ revision: 500n, liveKeys: 121n });
    expect(inPlace.encryption[1]?.sampleValue.equals(value)).toBe(true);
    expect(await readReceivedFacts(path, digestFile(path), soon())).toEqual(inPlace);
    const { imageBytes: _, ...inAWorker } = await inWorker('facts', { path, options: {} }, soon());
    expect(inPlace).toMatchObject({
      ...inAWorker,
      // A Buffer arrives as a plain Uint8Array.
      encryption: inAWorker.encryption.map(({ sampleValue, ...use }) => ({
        ...use,
        sampleValue: Buffer.from(sampleValue),
      })),
    });

    const broken = files.write(
      sealed(damaged(store([...many, last]), (copy) => copy.writeUInt16LE(9, 2 * 4096 + 8))),
    );
    for (const read of [
      readReceivedFacts(broken, digestFile(broken), soon()),
      inWorker('facts', { path: broken, options: {} }, soon()),
    ]) {
      await expect(read).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
    }

    for (const read of [
      (signal: AbortSignal) => readSnapshotFacts(path, { trailer: 'required' }, signal),
      (signal: AbortSignal) => readReceivedFacts(path, digestFile(path), signal),
      (signal: AbortSignal) => inWorker('facts', { path, options: {} }, signal),
    ]) {
      const controller = new AbortController();
      const stopped = read(controller.signal);
      controller.abort(new Error('enough'));
      await expect(stopped).rejects.toThrow('enough');
    }
  });

  it('stops at the signal', async () => {
    using files = new TemporaryFiles();
    const path = files.write(sealed(store(rows)));
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(readSnapshotFacts(path, { trailer: 'required' }, stopped)).rejects.toThrow('enough');
  });
});

describe('Kubernetes facts', () => {
  const configMap = (data: Record<string, string>) => stored('v1', 'ConfigMap', message(...textMap(2, data)));
  const encrypted = (prefix: string) => Buffer.concat([Buffer.from(prefix), Buffer.alloc(48, 7)]);
  const webhook = (name: string, policy: string, service: string) =>
    message([1, name], [2, message([1, message([1, 'hooks'], [2, service])])], [4, policy]);
  // Self-signed, of no use anywhere; made with openssl for this test.
  const pem = `-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUPJ4DGc56PBoY0TwsNQlFTO4jxSQwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHdGVzdC1jYTAgFw0yNjExMjIxMjI2MTlaGA8yMTI2MTAyOTEy
MjYxOVowEjEQMA4GA1UEAwwHdGVzdC1jYTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABCdMgSK8VpVuqaIdfWwPNzio2zMvsDZbBeKasAPyxsU3adL0O/2NMCJI54os
AgTimK9mWzg7GPePRdy8/MDvAvSjUzBRMB0GA1UdDgQWBBRJRyVdID8Hzuh8w8ED
jnQKH5oJEjAfBgNVHSMEGDAWgBRJRyVdID8Hzuh8w8EDjnQKH5oJEjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDPJLhC9yKkhl4Wi1vYbkusxYm2
ik9albiFiLVgnbnFbAIhAJxe4lUPCq8NCtUoGmBf2yEp2VyYcsxrpFUJys3V0RDI
-----END CERTIFICATE-----
`;
  let revision = 1;
  const put = (key: string, value: Uint8Array | string) => putRow(++revision, 0, key, value);
  const cluster = [
    put('/registry/namespaces/kube-system', stored('v1', 'Namespace', message())),
    put('/registry/configmaps/kube-public/kube-root-ca.crt', configMap({ 'ca.crt': pem })),
    put('/registry/configmaps/kube-system/kube-root-ca.crt', encrypted('k8s:enc:aesgcm:v1:two:')),
    put(
      '/registry/configmaps/kube-system/kubeadm-config',
      configMap({ ClusterConfiguration: 'etcd: {}\nkubernetesVersion: v1.34.1\n' }),
    ),
    put('/registry/secrets/a/old', encrypted('k8s:enc:aescbc:v1:gone:')),
    put('/registry/secrets/a/old', encrypted('k8s:enc:aescbc:v1:one:')),
    put('/registry/secrets/a/other', encrypted('k8s:enc:aescbc:v1:one:')),
    put('/registry/secrets/a/plain', stored('v1', 'Secret', message())),
    put('/registry/services/specs/hooks/here', stored('v1', 'Service', message())),
    put(
      '/registry/validatingwebhookconfigurations/policy',
      stored(
        'admissionregistration.k8s.io/v1',
        'ValidatingWebhookConfiguration',
        message(
          [2, webhook('ok.io', 'Fail', 'here')],
          [2, webhook('lax.io', 'Ignore', 'gone')],
          [2, webhook('bad.io', 'Fail', 'gone')],
        ),
      ),
    ),
    put(
      '/registry/mutatingwebhookconfigurations/json',
      JSON.stringify({
        webhooks: [
          {
            name: 'j.io',
            failurePolicy: 'Fail',
            clientConfig: { service: { namespace: 'hooks', name: 'no' } },
          },
        ],
      }),
    ),
    put('/registry/stable.example.com/crontabs/a/x', '{"kind":"CronTab"}'),
    put('/other/key', 'not of Kubernetes'),
  ];

  it('are read where they can be', async () => {
    const found = await facts(sealed(store(cluster)));
    expect(found).toMatchObject({
      registryPrefix: '/registry',
      kubernetesVersion: 'v1.34.1',
      orphanWebhooks: [
        'mutatingwebhookconfigurations/json j.io -> hooks/no',
        'validatingwebhookconfigurations/policy bad.io -> hooks/gone',
      ],
    });
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64');
    expect(found.clusterCaSha256).toBe(createHash('sha256').update(der).digest('hex'));
    expect(found.objects).toContainEqual({
      resource: 'stable.example.com/crontabs',
      namespace: 'a',
      count: 1n,
    });
  });

  it('count objects by namespace, and where that were too many by resource alone', async () => {
    const spread = (namespaces: number): Promise<SnapshotFacts> =>
      facts(
        sealed(
          store([
            ...cluster,
            ...Array.from({ length: namespaces }, (_, index) => put(`/registry/pods/n${index}/p`, 'a pod')),
          ]),
        ),
      );
    const few = (await facts(sealed(store(cluster)))).objects;
    const sum = (found: SnapshotFacts, resource: string): bigint =>
      found.objects.reduce((total, each) => total + (each.resource === resource ? each.count : 0n), 0n);
    const most = await spread(MAX_OBJECT_COUNTS - few.length);
    expect(most.objects).toHaveLength(MAX_OBJECT_COUNTS);
    const more = await spread(MAX_OBJECT_COUNTS - few.length + 1);
    expect(more.objects).toHaveLength(new Set(more.objects.map(({ resource }) => resource)).size);
    expect(more.objects.every(({ namespace }) => namespace === '')).toBe(true);
    expect(sum(more, 'pods')).toBe(sum(most, 'pods') + 1n);
  });

  it('count encryption by key over live values, with a sample that gives nothing away', async () => {
    const { encryption } = await facts(sealed(store(cluster)));
    expect(encryption).toEqual([
      {
        provider: '',
        keyName: '',
        count: 8n,
        sampleKey: '/registry/secrets/a/plain',
        sampleValue: Buffer.alloc(0),
      },
      {
        provider: 'aesgcm',
        keyName: 'two',
        count: 1n,
        sampleKey: '/registry/configmaps/kube-system/kube-root-ca.crt',
        sampleValue: encrypted('k8s:enc:aesgcm:v1:two:'),
      },
      {
        provider: 'aescbc',
        keyName: 'one',
        count: 2n,
        sampleKey: '/registry/secrets/a/old',
        sampleValue: encrypted('k8s:enc:aescbc:v1:one:'),
      },
    ]);
  });

  it('find the objects under any prefix', async () => {
    const moved = [
      putRow(2, 0, '/clusters/one/namespaces/default', 'x'),
      putRow(3, 0, '/clusters/one/minions/n', 'x'),
    ];
    expect(await facts(sealed(store(moved)))).toMatchObject({
      registryPrefix: '/clusters/one',
      objects: [
        { resource: 'minions', namespace: '', count: 1n },
        { resource: 'namespaces', namespace: '', count: 1n },
      ],
    });
    expect(await facts(sealed(store([putRow(2, 0, 'a', 'b')])))).toMatchObject({
      registryPrefix: '',
      objects: [],
    });
  });

  it('survive values of any kind', async () => {
    const junk = cluster.map(([name]) => name);
    const keys = [
      '/registry/namespaces/default',
      '/registry/configmaps/kube-system/kube-root-ca.crt',
      '/registry/configmaps/kube-system/kubeadm-config',
      '/registry/mutatingwebhookconfigurations/x',
    ];
    for (const value of ['k8s\0\xff\xff', '{"broken', 'k8s:enc:', 'k8s:enc:aescbc', '\xd9\xd9\xf7', '']) {
      const rowsOfJunk = keys.map(
        (key, index) => [junk[index]!, putRow(index + 2, 0, key, Buffer.from(value, 'latin1'))[1]] as Entry,
      );
      expect(await codeOf(sealed(store(rowsOfJunk)))).toBe('read');
    }
  });
});
