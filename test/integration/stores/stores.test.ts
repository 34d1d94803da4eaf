import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryStore } from '@lockstep/coordinator/adapters/stores/directory.ts';
import { S3Store } from '@lockstep/coordinator/adapters/stores/s3.ts';
import type { S3Config } from '@lockstep/coordinator/config-stores.ts';
import type { Store } from '@lockstep/coordinator/runner/ports.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FaultyLink } from './faulty-link.ts';
import { S3Server } from './s3-server.ts';

const STALL_MS = 1_500;
const NAME = 's-20261122-114530-7kq2ab.snap';
/** Three parts, the last one small. */
const LARGE_BYTES = 18 * 1024 * 1024;
const large = randomBytes(LARGE_BYTES);

const signal = (): AbortSignal => AbortSignal.timeout(60_000);

async function* pieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* broken(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes);
  throw new Error('the agent went away');
}

async function whole(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const server = await S3Server.start();
let scratch: string;
let buckets = 0;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lockstep-stores-'));
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

function running(): S3Server {
  if (server === undefined) throw new Error('no S3 server');
  return server;
}

async function s3Config(more: Partial<S3Config> = {}): Promise<S3Config> {
  return {
    bucket: 'copies',
    region: 'us-east-1',
    endpoint: running().endpoint,
    pathStyle: true,
    prefix: 'lab/',
    profile: 'default',
    checksum: 'sha256',
    credentialsFile: await running().credentialsFile('root', running().root),
    ...more,
  };
}

async function newBucket(locks = false): Promise<string> {
  buckets += 1;
  const bucket = `copies-${buckets}`;
  await running().makeBucket(bucket, locks);
  return bucket;
}

async function s3Store(more: Partial<S3Config> = {}): Promise<S3Store> {
  const bucket = more.bucket ?? (await newBucket());
  return new S3Store({ name: 'offsite', stallTimeoutMs: STALL_MS, ...(await s3Config(more)), bucket });
}

async function directoryStore(): Promise<DirectoryStore> {
  const path = await mkdtemp(join(scratch, 'directory-'));
  return new DirectoryStore({ name: 'disk', path, stallTimeoutMs: STALL_MS });
}

describe.each<[string, boolean, () => Promise<Store>]>([
  ['a directory', true, directoryStore],
  ['a bucket', server !== undefined, () => s3Store()],
  ['a bucket with CRC-32', server !== undefined, () => s3Store({ checksum: 'crc32' })],
])('%s', (_name, isHere, make) => {
  let store: Store;
  beforeEach(async () => {
    if (isHere) store = await make();
  });

  it.runIf(isHere)('keeps what it is given, small, large and empty', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('small'), large]) {
      await store.put(NAME, pieces(bytes), signal());
      expect(await store.head(NAME, signal())).toEqual({ name: NAME, sizeBytes: bytes.length });
      expect(sha256(await whole(store.get(NAME, 0, signal())))).toBe(sha256(bytes));
    }
    expect(sha256(await whole(store.get(NAME, 9_000_000, signal())))).toBe(sha256(large.subarray(9_000_000)));
    expect(await whole(store.get(NAME, LARGE_BYTES, signal()))).toHaveLength(0);
    expect(await store.list(signal())).toEqual([{ name: NAME, sizeBytes: LARGE_BYTES }]);
    await store.remove(NAME, signal());
    await store.remove(NAME, signal());
    expect(await store.list(signal())).toEqual([]);
    expect(await store.head(NAME, signal())).toBeUndefined();
    await expect(whole(store.get(NAME, 0, signal()))).rejects.toMatchObject({ code: 'COPY_NOT_FOUND' });
  });

  it.runIf(isHere).each([
    ['nothing', 0],
    ['a little', 1_000],
    ['some parts', 17 * 1024 * 1024],
  ])('keeps nothing of a stream that breaks after %s, and what was there', async (_what, size) => {
    await store.put(NAME, pieces(Buffer.from('before')), signal());
    await expect(store.put(NAME, broken(large.subarray(0, size)), signal())).rejects.toThrow(
      'the agent went away',
    );
    expect((await whole(store.get(NAME, 0, signal()))).toString()).toBe('before');
    expect(await store.list(signal())).toHaveLength(1);
  });

  it.runIf(isHere)('ends at its caller’s signal, and keeps nothing', async () => {
    const gone = new AbortController();
    async function* leaving(): AsyncGenerator<Uint8Array> {
      yield* pieces(large.subarray(0, 10 * 1024 * 1024));
      gone.abort(new Error('the operator left'));
      yield large;
    }
    await expect(store.put(NAME, leaving(), gone.signal)).rejects.toThrow('the operator left');
    expect(await store.list(signal())).toEqual([]);
  });
});

describe('a directory', () => {
  it('that is not there is not made', async () => {
    const path = join(scratch, 'not-mounted');
    const store = new DirectoryStore({ name: 'disk', path, stallTimeoutMs: STALL_MS });
    await expect(store.put(NAME, pieces(large), signal())).rejects.toMatchObject({ code: 'STORE_MISSING' });
    await expect(store.list(signal())).rejects.toMatchObject({ code: 'STORE_MISSING' });
    expect(await readdir(scratch)).not.toContain('not-mounted');
  });

  it('shows no file that is being written, nor what is no file of ours', async () => {
    const path = await mkdtemp(join(scratch, 'directory-'));
    const store = new DirectoryStore({ name: 'disk', path, stallTimeoutMs: STALL_MS });
    await mkdir(join(path, 'lost+found'));
    const seen: string[][] = [];
    async function* looking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      seen.push((await store.list(signal())).map(({ name }) => name));
    }
    await store.put(NAME, looking(), signal());
    expect(seen).toEqual([[]]);
    expect((await readdir(path)).sort()).toEqual(['lost+found', NAME]);
  });
});

describe.runIf(server !== undefined)('a bucket', () => {
  it('shows no name before it is whole, and leaves no part of what failed', async () => {
    const bucket = await newBucket();
    const store = await s3Store({ bucket });
    await expect(store.put(NAME, broken(large), signal())).rejects.toThrow('the agent went away');
    expect(await running().unfinishedUploads(bucket)).toBe(0);
    expect(await running().objects(bucket)).toEqual([]);
  });

  it('refuses whom it does not know, by its own words and without a secret', async () => {
    const secretAccessKey = 'not-the-secret-of-root';
    const wrongSecret = { accessKeyId: running().root.accessKeyId, secretAccessKey };
    const nobody = { accessKeyId: 'nobody-at-all', secretAccessKey };
    for (const [name, credentials] of Object.entries({ wrongSecret, nobody })) {
      const credentialsFile = await running().credentialsFile(name, credentials);
      const store = await s3Store({ credentialsFile });
      const thrown: unknown = await store.put(NAME, pieces(large), signal()).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: 'STORE_DENIED' });
      expect(`${String(thrown)} ${String((thrown as Error).cause)}`).not.toContain(secretAccessKey);
    }
  });

  it('refuses credentials that were withdrawn, and takes renewed ones without a restart', async () => {
    const bucket = await newBucket();
    const user = { accessKeyId: 'a-user', secretAccessKey: 'the-secret-of-the-user' };
    await running().makeUser(user);
    const credentialsFile = await running().credentialsFile('renewed', user);
    const store = await s3Store({ bucket, credentialsFile });
    await expect(store.put(NAME, pieces(large), signal())).rejects.toMatchObject({ code: 'STORE_DENIED' });
    await running().removeUser(user);
    await expect(store.list(signal())).rejects.toMatchObject({ code: 'STORE_DENIED' });
    await running().credentialsFile('renewed', running().root);
    await store.put(NAME, pieces(large), signal());
    expect(await running().objects(bucket)).toEqual([`lab/${NAME}`]);
  });

  it('is not asked with a credentials file that others may read', async () => {
    const credentialsFile = await running().credentialsFile('open', running().root);
    await chmod(credentialsFile, 0o644);
    const store = await s3Store({ credentialsFile });
    await expect(store.list(signal())).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('may be read by others'),
    });
    await writeFile(credentialsFile, '', { mode: 0o600 });
  });

  it('that is not there is not made', async () => {
    const store = await s3Store({ bucket: 'no-such-bucket' });
    await expect(store.put(NAME, pieces(large), signal())).rejects.toMatchObject({ code: 'STORE_MISSING' });
    await expect(store.list(signal())).rejects.toMatchObject({ code: 'STORE_MISSING' });
    expect(await readdir(join(running().directory, 'buckets'))).not.toContain('no-such-bucket');
  });

  it('that nobody serves is unreachable', async () => {
    const store = await s3Store({ endpoint: 'http://127.0.0.1:9' });
    await expect(store.list(signal())).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });

  it('keeps under a lock what nobody may delete yet', async () => {
    const bucket = await newBucket(true);
    const store = await s3Store({ bucket, lock: { mode: 'governance', days: 1 } });
    await store.put(NAME, pieces(large), signal());
    await expect(store.remove(NAME, signal())).rejects.toMatchObject({ code: 'COPY_LOCKED' });
    expect(sha256(await whole(store.get(NAME, 0, signal())))).toBe(sha256(large));
    const marks = NAME.replace('.snap', '.marks.json');
    await store.put(marks, pieces(Buffer.from('{}')), signal());
    await store.remove(marks, signal());
  });
});

describe.runIf(server !== undefined)('a link to a bucket', () => {
  let link: FaultyLink;
  let bucket: string;
  let store: S3Store;
  beforeEach(async () => {
    link = await FaultyLink.to(running().port);
    bucket = await newBucket();
    store = await s3Store({ bucket, endpoint: link.endpoint });
    return () => link[Symbol.asyncDispose]();
  });

  it.each(['cut', 'stall'] as const)('that is %s once in an upload costs nothing', async (kind) => {
    link.breakAt({ direction: 'up', afterBytes: 12_000_000, kind, times: 1 });
    await store.put(NAME, pieces(large), signal());
    expect(link.struck).toBe(1);
    expect(sha256(await whole(store.get(NAME, 0, signal())))).toBe(sha256(large));
  });

  it.each(['cut', 'stall'] as const)('that is %s for good in an upload: nothing half stays', async (kind) => {
    // Often enough for every attempt of a part; then the link is well, and what is left can be seen.
    link.breakAt({ direction: 'up', afterBytes: 3_000_000, kind, times: 8 });
    await expect(store.put(NAME, pieces(large), signal())).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
    expect(await running().objects(bucket)).toEqual([]);
    expect(await running().unfinishedUploads(bucket)).toBe(0);
  });

  it.each(['cut', 'stall'] as const)('that is %s in a download is gone on with', async (kind) => {
    await store.put(NAME, pieces(large), signal());
    link.breakAt({ direction: 'down', afterBytes: 5_000_000, kind, times: 2 });
    expect(sha256(await whole(store.get(NAME, 0, signal())))).toBe(sha256(large));
    expect(link.struck).toBe(2);
  });

  it.each(['cut', 'stall'] as const)('that is %s for good in a download is said', async (kind) => {
    await store.put(NAME, pieces(large), signal());
    link.breakAt({ direction: 'down', afterBytes: 0, kind, times: 1_000 });
    await expect(whole(store.get(NAME, 0, signal()))).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });

  it('that alters a byte is found out by the checksums', async () => {
    link.breakAt({ direction: 'up', afterBytes: 4_000_000, kind: 'flip', times: 1 });
    await expect(store.put(NAME, pieces(large), signal())).rejects.toMatchObject({ code: 'STORE_ALTERED' });
    expect(await running().objects(bucket)).toEqual([]);
    expect(await running().unfinishedUploads(bucket)).toBe(0);
  });
});
