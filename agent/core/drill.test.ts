import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { SnapshotCard, SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import {
  CLIENT_SOCKET,
  DRILL_MEMBER,
  drillTool,
  isAboutStore,
  minorOf,
  requireApart,
  requireRoom,
  restoredDifferences,
  type Served,
  servedDifferences,
} from './drill.ts';

const FACTS = SnapshotFacts.fromPartial({
  status: { revision: 100n, totalEntries: 1_000n, liveKeys: 4n, totalSizeBytes: 1_000_000_000n },
  contentSha256: 'abc',
  objects: [
    { resource: 'pods', namespace: 'a', count: 1n },
    { resource: 'pods', namespace: 'b', count: 2n },
    { resource: 'secrets', namespace: 'a', count: 1n },
  ],
});

describe('the room that a drill wants', () => {
  const node = (freeBytes: bigint, memoryAvailableBytes: bigint) => ({
    report: NodeReport.fromPartial({
      disks: [{ purpose: 'state', freeBytes, totalBytes: 100_000_000_000n }],
    }),
    memoryAvailableBytes,
  });
  // The store, two files of etcd's log, and 15% of the disk.
  const NEED = 1_000_000_000n + 128_000_000n + 15_000_000_000n;
  const MEMORY = 192n * 1024n * 1024n + 512_000n;

  it('is just enough', () => {
    expect(() => requireRoom('cp1', FACTS, node(NEED, MEMORY))).not.toThrow();
  });

  it.each([
    ['SPACE_TOO_LITTLE', node(NEED - 1n, MEMORY)],
    ['MEMORY_TOO_LITTLE', node(NEED, MEMORY - 1n)],
    ['SPACE_TOO_LITTLE', { report: NodeReport.fromPartial({}), memoryAvailableBytes: MEMORY }],
  ])('is refused with %s below that', (code, resources) => {
    expect(() => requireRoom('cp1', FACTS, resources)).toThrow(
      expect.objectContaining({ code, node: 'cp1' }),
    );
  });
});

describe('the member of a drill', () => {
  it('answers nowhere but in its own directory, and is its own cluster', () => {
    const urls = [DRILL_MEMBER.clientUrl, DRILL_MEMBER.peerUrl, ...DRILL_MEMBER.initialAdvertisePeerUrls];
    expect(urls.filter((url) => !/^unix:\/\/[^/]+$/.test(url))).toStrictEqual([]);
    expect(urls[0]).toContain(CLIENT_SOCKET);
    expect(DRILL_MEMBER.initialCluster).toBe(`${DRILL_MEMBER.name}=${DRILL_MEMBER.peerUrl}`);
  });
});

describe('the place of a drill', () => {
  const apart = {
    scratch: '/var/lib/lockstep/drills/d-1',
    scratchInode: { device: 1n, number: 10n },
    dataDirs: ['/var/lib/etcd'],
    liveInodes: [{ device: 1n, number: 20n }],
  };

  it('may lie on the disk of the live store', () => {
    expect(() => requireApart('cp1', apart)).not.toThrow();
    expect(() =>
      requireApart('cp1', { ...apart, dataDirs: ['/var/lib/lockstep/drills/d-10'] }),
    ).not.toThrow();
  });

  it.each([
    ['in the data directory', { scratch: '/var/lib/etcd/drills/d-1' }],
    ['above it', { dataDirs: ['/var/lib/lockstep/drills/d-1/etcd'] }],
    ['the data directory', { scratch: '/var/lib/etcd' }],
    ['in it, however that is written', { dataDirs: ['/var/lib/lockstep/'] }],
    ['in it, however it is written itself', { scratch: '/var/./lib//etcd/drills/d-1' }],
    ['on a node whose data directory is the root', { dataDirs: ['/'] }],
    ['it, under another name', { scratchInode: { device: 1n, number: 20n } }],
    ['in its log', { dataDirs: ['/var/lib/etcd', '/var/lib/lockstep'] }],
    ['nowhere', { scratchInode: undefined }],
  ])('is never %s', (_where, change) => {
    expect(() => requireApart('cp1', { ...apart, ...change })).toThrow(
      expect.objectContaining({ code: 'DRILL_NEAR_LIVE' }),
    );
  });
});

describe('the tool of a drill', () => {
  const tool = (name: string, version: string) => ({
    name,
    version,
    path: `/${name}-${version}`,
    sha256: '',
    source: '',
  });
  const report = (etcdVersion: string, ...tools: ReturnType<typeof tool>[]) =>
    NodeReport.fromPartial({ tools, ...(etcdVersion === '' ? {} : { etcd: { version: etcdVersion } }) });
  const card = SnapshotCard.fromPartial({ etcdVersion: '3.5.9', facts: FACTS });

  it.each([
    ['the member’s minor', report('3.6.1', tool('etcdutl', '3.5.1'), tool('etcdutl', '3.6.4')), '3.6.4'],
    [
      'the snapshot’s where there is no member',
      report('', tool('etcdutl', '3.6.4'), tool('etcdutl', '3.5.1')),
      '3.5.1',
    ],
    ['etcdctl for 3.4', report('3.4.23', tool('etcdutl', '3.5.1'), tool('etcdctl', '3.4.30')), '3.4.30'],
  ])('is of %s', (_what, node, version) => {
    expect(drillTool('cp1', node, card).version).toBe(version);
  });

  it('is refused where there is none, or only one of another minor', () => {
    expect(() => drillTool('cp1', report('3.6.1'), card)).toThrow(
      expect.objectContaining({ code: 'TOOL_MISSING' }),
    );
    expect(() => drillTool('cp1', report('3.6.1', tool('etcdutl', '3.5.1')), card)).toThrow(
      expect.objectContaining({ code: 'TOOL_MISMATCH' }),
    );
  });

  it('is known by its minor', () => {
    expect(['3.5.16', 'v3.6.0-rc.1', '3.10.2', 'none', ''].map(minorOf)).toStrictEqual([
      '3.5',
      '3.6',
      '3.10',
      '',
      '',
    ]);
  });
});

describe('what a restored store must be', () => {
  const restored = SnapshotFacts.fromPartial({
    status: { revision: 100n },
    contentSha256: 'abc',
    members: [{ id: '1', name: 'drill', peerUrls: ['unix://peer:1'] }],
  });

  it('is the card’s content, and the drill’s member alone', () => {
    expect(restoredDifferences(FACTS, restored, '3.5.16')).toStrictEqual([]);
    expect(restoredDifferences(FACTS, { ...restored, contentSha256: 'x' }, '3.5.16')).toHaveLength(1);
    expect(restoredDifferences(FACTS, { ...restored, rowsAboveContent: 1n }, '3.5.16')).toHaveLength(1);
    expect(restoredDifferences(FACTS, { ...restored, members: [] }, '3.5.16')).toHaveLength(1);
  });

  it('keeps OLD’s members in the database with 3.4, which writes its own into the log', () => {
    expect(restoredDifferences(FACTS, { ...restored, members: [] }, '3.4.23')).toStrictEqual([]);
  });

  it('may have etcd’s auth and alarms where the snapshot has them', () => {
    const card = { ...FACTS, authEnabled: true, alarms: ['NOSPACE'] };
    expect(
      restoredDifferences(card, { ...restored, authEnabled: true, alarms: ['NOSPACE'] }, '3.5.16'),
    ).toStrictEqual([]);
    expect(restoredDifferences(FACTS, { ...restored, authEnabled: true }, '3.5.16')).toHaveLength(1);
    expect(restoredDifferences(FACTS, { ...restored, alarms: ['CORRUPT'] }, '3.5.16')).toHaveLength(1);
  });
});

describe('what an etcd must serve', () => {
  const served: Served = {
    revision: 100n,
    liveKeys: 4n,
    objects: new Map([
      ['pods', 3n],
      ['secrets', 1n],
    ]),
    alarms: [],
    members: ['drill'],
  };

  it('is what the card counts; a lease that ran out may have moved the head on', () => {
    expect(servedDifferences(FACTS, served)).toStrictEqual([]);
    expect(servedDifferences(FACTS, { ...served, revision: 101n })).toStrictEqual([]);
  });

  it.each([
    ['revision', { revision: 99n }],
    ['number of keys', { liveKeys: 3n }],
    [
      'number of pods',
      {
        objects: new Map([
          ['pods', 2n],
          ['secrets', 1n],
        ]),
      },
    ],
    ['number of secrets', { objects: new Map([['pods', 3n]]) }],
    [
      'number of leases',
      {
        objects: new Map([
          ['pods', 3n],
          ['secrets', 1n],
          ['leases', 1n],
        ]),
      },
    ],
    ['alarms', { alarms: ['CORRUPT'] }],
    ['members', { members: ['drill', 'cp1'] }],
  ])('differs in its %s', (what, change) => {
    expect(servedDifferences(FACTS, { ...served, ...change })).toStrictEqual([expect.stringContaining(what)]);
  });
});

describe('the last words of a program', () => {
  it.each([
    ['{"level":"fatal","msg":"failed to open database"}', true],
    ['Error: expected sha256 [1], got [2]', true],
    ['', false],
    ['chrt: failed to set pid 0’s policy: Operation not permitted', false],
    ['write /var/lib: no space left on device', false],
    ['fork: Cannot allocate memory', false],
    ['open db: permission denied', false],
  ])('%s: about the store %s', (words, about) => {
    expect(isAboutStore(words)).toBe(about);
  });
});
