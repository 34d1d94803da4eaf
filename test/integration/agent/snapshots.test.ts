import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFile,
  copyFile,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EtcdLocalMember } from '@lockstep/agent/adapters/local-member.ts';
import { CHUNK_BYTES, packChunk } from '@lockstep/agent/snapshots/chunks.ts';
import { PackedChunks } from '@lockstep/agent/snapshots/packed-chunks.ts';
import { type OpenSnapshot, pullSnapshot } from '@lockstep/agent/snapshots/pull.ts';
import { openFromAgents } from '@lockstep/agent/snapshots/remote.ts';
import { type SaveDependencies, saveSnapshot } from '@lockstep/agent/snapshots/save.ts';
import { serveSnapshot } from '@lockstep/agent/snapshots/serve.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import {
  AgentServiceService,
  type ReadSnapshotRequest,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { type CallContext, streamHandler } from '@lockstep/shared/transport/handlers.ts';
import { type RunningServer, startServer } from '@lockstep/shared/transport/server.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { writeCertificates } from '../adapters/support/certificates.ts';
import { type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';
import { TestAuthority } from '../transport/identities.ts';

const run = promisify(execFile);
const KEYS = 400;
const signal = (): AbortSignal => AbortSignal.timeout(30_000);

let directory: string;
let etcd: RunningEtcd;
let member: EtcdLocalMember;
let authority: TestAuthority;
let stores = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-snapshots-'));
  const tls = await writeCertificates(join(directory, 'pki'), '127.0.0.1');
  etcd = await startEtcd({ directory, tls });
  using client = new EtcdClient(etcd.endpoint);
  for (let index = 0; index < KEYS; index += 1) {
    const value = index % 2 === 0 ? Buffer.alloc(16_000, 'lockstep ') : randomBytes(16_000);
    await client.put(Buffer.from(`/registry/configmaps/default/c${index}`), value, signal());
  }
  member = new EtcdLocalMember({ endpoint: async () => etcd.endpoint });
  authority = await TestAuthority.create(join(directory, 'tls'));
});
afterAll(async () => {
  member.close();
  await etcd.kill();
  await rm(directory, { recursive: true, force: true });
});

function newStore(node: string): SnapshotStore & { directory: string } {
  stores += 1;
  const at = join(directory, `store-${stores}`);
  return Object.assign(new SnapshotStore({ directory: at, hostDirectory: '/snapshots', node }), {
    directory: at,
  });
}

const seal: SaveDependencies['seal'] = async (card) => ({ card, sealed: undefined });

async function save(store: SnapshotStore): Promise<SnapshotCard> {
  const { card } = await saveSnapshot(
    { describe: async () => NodeReport.fromPartial({ node: 'cp1' }), member, store, seal, now: Date.now },
    { node: 'cp1', cluster: 'lab', reason: 'a test' },
    () => {},
    signal(),
  );
  if (card === undefined) throw new Error('no card');
  return card;
}

describe('a saved snapshot', () => {
  it('has etcd’s own figures on its card, and is listed and verified', async () => {
    const store = newStore('cp1');
    const card = await save(store);
    const { etcd: tools } = await locateTools();
    const { stdout } = await run(tools.etcdutl, ['snapshot', 'status', store.pathOf(card.id), '-w', 'json']);
    const said = JSON.parse(stdout) as { hash: number; revision: number; totalSize: number };
    expect(card.facts?.status).toMatchObject({ hash: said.hash, revision: BigInt(said.revision) });
    expect(card).toMatchObject({ cluster: 'lab', node: 'cp1', reason: 'a test' });
    expect(card.etcdClusterId).toMatch(/^[0-9a-f]+$/);
    expect((await store.list()).map((each) => each.card?.id)).toStrictEqual([card.id]);
    expect(await store.verify(card.id, signal())).toMatchObject({ refusals: [] });
    expect((await stat(store.pathOf(card.id))).mode & 0o777).toBe(0o600);
  });

  it('is refused once a byte of it or of its card changes', async () => {
    const store = newStore('cp1');
    const card = await save(store);
    const path = store.pathOf(card.id);
    const cardPath = path.replace(/\.db$/, '.json');
    const text = await readFile(cardPath, 'utf8');
    await writeFile(cardPath, text.replace(/"contentSha256": "./, '"contentSha256": "z'));
    expect((await store.verify(card.id, signal())).refusals).toMatchObject([
      { code: 'SNAPSHOT_CARD_MISMATCH' },
    ]);
    await writeFile(cardPath, text);
    await flipByte(path, 100_000);
    expect((await store.verify(card.id, signal())).refusals).toMatchObject([
      { code: 'SNAPSHOT_TRAILER_MISMATCH' },
    ]);
    await rm(cardPath);
    expect((await store.verify(card.id, signal())).refusals).toMatchObject([
      { code: 'SNAPSHOT_CARD_MISSING' },
    ]);
    await expect(store.verify('s-none', signal())).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
  });

  it('leaves nothing behind when the member does not answer', async () => {
    const store = newStore('cp1');
    const dead = new EtcdLocalMember({ endpoint: async () => ({ url: 'http://127.0.0.1:9' }) });
    const failing = saveSnapshot(
      { describe: async () => NodeReport.fromPartial({}), member: dead, store, seal, now: Date.now },
      { node: 'cp1', cluster: 'lab', reason: '' },
      () => {},
      signal(),
    );
    await expect(failing).rejects.toMatchObject({ code: 'SAVE_FAILED' });
    expect(await store.list()).toStrictEqual([]);
    dead.close();
  });
});

describe('a pulled snapshot', () => {
  let source: SnapshotStore;
  let card: SnapshotCard;
  let server: RunningServer;
  let requests: bigint[];

  beforeEach(async () => {
    source = newStore('cp1');
    card = await save(source);
    requests = [];
    server = await serve(source, 'cp1', requests);
  });
  afterEach(() => server.close());

  const pull = async (
    into: SnapshotStore,
    sources = [{ node: 'cp1', address: server.address }],
  ): Promise<void> => {
    const tls = await authority.issue('cp2', { cluster: 'lab', role: 'agent', name: 'cp2' });
    const openSnapshot = openFromAgents({ tls, cluster: 'lab' });
    await pullSnapshot(
      { store: into, openSnapshot },
      { card, sealed: undefined },
      sources,
      () => {},
      signal(),
    );
  };
  const same = async (store: SnapshotStore): Promise<boolean> =>
    (await readFile(store.pathOf(card.id))).equals(await readFile(source.pathOf(card.id)));

  it('is the same, byte for byte, with its card', async () => {
    const store = newStore('cp2');
    await pull(store);
    expect(await same(store)).toBe(true);
    expect((await store.get(card.id)).card).toStrictEqual((await source.get(card.id)).card);
    expect(requests).toStrictEqual([0n]);
  });

  it('goes on at any byte', async () => {
    const store = newStore('cp2');
    await store.prepare();
    await copyFile(source.pathOf(card.id), store.partOf(card.id));
    await truncate(store.partOf(card.id), 1_234_567);
    await pull(store);
    expect(requests).toStrictEqual([1_234_567n]);
    expect(await same(store)).toBe(true);
  });

  it('needs no wire where the whole had arrived', async () => {
    const store = newStore('cp2');
    await store.prepare();
    await copyFile(source.pathOf(card.id), store.partOf(card.id));
    await pull(store);
    expect(requests).toStrictEqual([]);
    expect(await same(store)).toBe(true);
  });

  it('leaves nothing of itself once it is given up, and nothing else goes', async () => {
    const store = newStore('cp2');
    await store.prepare();
    await writeFile(store.partOf(card.id), 'half of it');
    await store.removePart(card.id);
    await store.removePart(card.id);
    await expect(stat(store.partOf(card.id))).rejects.toMatchObject({ code: 'ENOENT' });
    await source.removePart(card.id);
    expect((await source.get(card.id)).card).toStrictEqual(card);
  });

  it('starts again where what was there is not its beginning', async () => {
    const store = newStore('cp2');
    await store.prepare();
    await appendFile(store.partOf(card.id), randomBytes(5_000));
    await pull(store);
    expect(requests).toStrictEqual([5_000n, 0n]);
    expect(await same(store)).toBe(true);
  });

  it('comes from the next source where the first one’s bytes went bad', async () => {
    const bad = newStore('cp3');
    await bad.prepare();
    for (const suffix of ['.db', '.json']) {
      await copyFile(
        source.pathOf(card.id).replace(/\.db$/, suffix),
        bad.pathOf(card.id).replace(/\.db$/, suffix),
      );
    }
    await flipByte(bad.pathOf(card.id), 3_000_000);
    const badRequests: bigint[] = [];
    const badServer = await serve(bad, 'cp3', badRequests);
    try {
      const store = newStore('cp2');
      await pull(store, [
        { node: 'cp3', address: badServer.address },
        { node: 'cp1', address: server.address },
      ]);
      expect(badRequests).toStrictEqual([0n]);
      expect(requests).toStrictEqual([0n]);
      expect(await same(store)).toBe(true);
    } finally {
      await badServer.close();
    }
  });

  it('ends where the card says, though the source goes on', async () => {
    const store = newStore('cp2');
    const totalBytes = card.facts?.fileSizeBytes ?? 0n;
    let sent = 0n;
    const openSnapshot: OpenSnapshot = async function* (_source, _id, offsetBytes) {
      for (let at = offsetBytes; at < 3n * totalBytes; at += BigInt(CHUNK_BYTES)) {
        sent += BigInt(CHUNK_BYTES);
        yield await packChunk(Buffer.alloc(CHUNK_BYTES), at, totalBytes);
      }
    };
    const sources = [{ node: 'cp1', address: server.address }];
    await expect(
      pullSnapshot({ store, openSnapshot }, { card, sealed: undefined }, sources, () => {}, signal()),
    ).rejects.toMatchObject({ code: 'PULL_FAILED' });
    expect(sent).toBeLessThan(2n * totalBytes);
  });

  it('is taken from nobody but the agent that the plan names', async () => {
    const store = newStore('cp2');
    await expect(pull(store, [{ node: 'cp9', address: server.address }])).rejects.toMatchObject({
      code: 'PULL_FAILED',
    });
    expect(requests).toStrictEqual([]);
    await expect(store.find(card.id)).resolves.toBeUndefined();
  });
});

async function serve(store: SnapshotStore, node: string, requests: bigint[]): Promise<RunningServer> {
  const { readSnapshot } = AgentServiceService;
  const packed = new PackedChunks();
  return startServer({
    listen: '127.0.0.1:0',
    tls: await authority.issue(node, { cluster: 'lab', role: 'agent', name: node }),
    cluster: 'lab',
    policy: { [readSnapshot.path]: ['agent'] },
    services: [
      {
        definition: { readSnapshot },
        implementation: {
          readSnapshot: streamHandler((request: ReadSnapshotRequest, context: CallContext) => {
            requests.push(request.offsetBytes);
            return serveSnapshot({ store, packed }, request, context.signal);
          }),
        },
      },
    ],
    logger: createLogger('test', 'silent'),
  });
}

async function flipByte(path: string, offset: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, offset);
}
