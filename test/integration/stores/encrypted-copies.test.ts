import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { planRestore, runRestore, type Said, saidBy, waitServing } from '../../e2e/support/cluster.ts';
import { loadObjects } from '../../e2e/support/objects.ts';
import { Lab } from '../../lab/lab.ts';

const COMMAND_TIMEOUT_MS = 120_000;
/** Read of each file when it is searched; a secret of the data lies early enough, or its file is no snapshot. */
const MAX_READ_BYTES = 64 * 1024 * 1024;
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Of the data alone: where it is found, plain text lies. */
const SECRET = `a-secret-of-the-data-${Date.now()}-${process.pid}`;

let lab: Lab;
let store: string;
let keyFile: string;
let snapshot: string;
const startedMs = Date.now();

beforeAll(async () => {
  store = await mkdtemp(join(tmpdir(), 'lockstep-store-'));
  await mkdir(join(store, 'copies'));
  const identity = await generateIdentity();
  lab = await Lab.up({ nodes: 1, coordinator: false });
  keyFile = join(lab.directory, 'operator-key.txt');
  await writeFile(keyFile, `# of the operator\n${identity}\n`, { mode: 0o600 });
  const path = join(lab.directory, 'coordinator/config.yaml');
  const config = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const more = {
    stores: [
      { name: 'disk', directory: { path: join(store, 'copies') } },
      { name: 'away', directory: { path: join(store, 'not-mounted') } },
    ],
    recipients: [await identityToRecipient(identity)],
    copies: { nodes: 1, stores: ['disk', 'away'] },
  };
  await writeFile(path, stringify({ ...config, ...more }));
  await startCoordinator();
  await loadObjects(lab);
  const [node] = lab.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  const value = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'known' },
    data: SECRET,
  });
  await lab.etcdctl(node, ['put', '/registry/secrets/default/known', value]);
}, 240_000);
afterAll(async () => {
  await lab?.down();
  await rm(store, { recursive: true, force: true });
});

/** Started anew, and answering. */
async function startCoordinator(): Promise<void> {
  await lab.coordinator.start();
  const answers = {
    describe: () => 'the coordinator answers',
    check: async () => (await lab.lockstep(['node', 'list', '-o', 'json'])).exitCode === 0,
  };
  await waitFor(answers, 200, deadline(COMMAND_TIMEOUT_MS));
}

async function lockstep(...args: string[]): Promise<{ said: Said; exitCode: number | null }> {
  const ended = await lab.lockstep([...args, '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS });
  return { said: saidBy(ended), exitCode: ended.exitCode };
}

/** The snapshots that the node itself holds. */
function shelf(): string {
  const [node] = lab.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  return node.path('/var/lib/lockstep/snapshots');
}

/** What a verify says of the copy in the store. */
function noteOf(said: Said): string {
  const { verdicts } = said as unknown as { verdicts: { node: string; note: string }[] };
  return verdicts.find(({ node }) => node === 'disk')?.note ?? '';
}

async function emptyShelf(): Promise<void> {
  for (const name of await readdir(shelf())) await rm(join(shelf(), name));
}

/** Files under a directory, but for those of etcd's own host, that were touched since the test began. */
async function* filesOf(directory: string): AsyncGenerator<string> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (path === join(lab.directory, 'nodes')) continue;
    const born = directory === tmpdir() ? (await stat(path).catch(() => undefined))?.birthtimeMs : undefined;
    // Others' work of earlier is none of what is looked at, and much.
    if (directory === tmpdir() && (born ?? 0) < startedMs) continue;
    if (entry.isDirectory()) yield* filesOf(path);
    else if (entry.isFile()) {
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && found.mtimeMs >= startedMs) yield path;
    }
  }
}

async function startOf(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, MAX_READ_BYTES)), 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  }
}

describe('an encrypted copy', () => {
  it('is made by the save itself; one that fails is told, and the save is none the less done', async () => {
    const { said, exitCode } = await lockstep('snapshot', 'save', '--reason', 'test');
    expect(exitCode, JSON.stringify(said)).toBe(0);
    snapshot = (said as unknown as { snapshot: { card: { id: string } } }).snapshot.card.id;
    expect(said['copies']).toEqual([
      expect.objectContaining({ place: 'disk' }),
      expect.objectContaining({ place: 'away', failure: expect.objectContaining({ code: 'STORE_MISSING' }) }),
    ]);
    expect((await readdir(join(store, 'copies'))).sort()).toEqual([
      `${snapshot}.card.json`,
      `${snapshot}.snap`,
    ]);
    expect(await readdir(store)).toEqual(['copies']);
  });

  it('that is there and whole is not made again', async () => {
    const path = join(store, 'copies', `${snapshot}.snap`);
    const before = await stat(path);
    const { exitCode } = await lockstep('snapshot', 'copy', snapshot, '--to-store', 'disk');
    expect(exitCode).toBe(0);
    expect((await stat(path)).ino).toBe(before.ino);
  });

  it('that is damaged is told, in nobody’s way, and made anew', async () => {
    const path = join(store, 'copies', `${snapshot}.snap`);
    const bytes = await readFile(path);
    bytes[bytes.length - 100] = (bytes.at(-100) ?? 0) ^ 1;
    await writeFile(path, bytes);
    await writeFile(join(store, 'copies', 'a-strangers.card.json'), 'no card');
    const fetched = await lockstep('snapshot', 'fetch', snapshot, '--identity', keyFile);
    expect(fetched.said.code).toBe('COPY_DAMAGED');
    expect((await readdir(shelf())).filter((name) => name.endsWith('.part'))).toEqual([]);
    const { exitCode, said } = await lockstep('snapshot', 'copy', snapshot, '--to-store', 'disk');
    expect(exitCode, JSON.stringify(said)).toBe(0);
    expect((await readFile(path)).equals(bytes)).toBe(false);
  });

  it('is looked into with the identity, and proven', async () => {
    const unopened = await lockstep('snapshot', 'verify', snapshot);
    expect(noteOf(unopened.said), JSON.stringify(unopened.said)).toMatch(/^It is encrypted: /);
    const { said, exitCode } = await lockstep('snapshot', 'verify', snapshot, '--identity', keyFile);
    expect(exitCode, JSON.stringify(said)).toBe(0);
    expect(noteOf(said)).toMatch(/^It was unpacked on /);
    const marks = await readFile(join(store, 'copies', `${snapshot}.marks.json`), 'utf8');
    const { proofs } = JSON.parse(marks) as { proofs: { place: string; level?: string }[] };
    expect(proofs.filter(({ place }) => place === 'disk').map(({ level }) => level)).toEqual([
      'PROOF_LEVEL_BYTES',
      'PROOF_LEVEL_READ',
    ]);
  });

  it('whose card in the store was changed is refused, told, and made anew', async () => {
    const path = join(store, 'copies', `${snapshot}.card.json`);
    const text = await readFile(path, 'utf8');
    const card = JSON.parse(text) as { copy: { headSha256: string } };
    // As whoever would have the key of another file handed out.
    card.copy.headSha256 = 'f'.repeat(64);
    await writeFile(path, JSON.stringify(card));
    const fetched = await lockstep('snapshot', 'fetch', snapshot, '--identity', keyFile);
    expect(fetched.said.code).toBe('COPY_SEAL_INVALID');
    const verified = await lockstep('snapshot', 'verify', snapshot);
    expect(JSON.stringify(verified.said)).toContain('COPY_SEAL_INVALID');
    const listed = await lockstep('snapshot', 'list');
    expect(JSON.stringify(listed.said)).toContain('COPY_SEAL_INVALID');
    const { exitCode, said } = await lockstep('snapshot', 'copy', snapshot, '--to-store', 'disk');
    expect(exitCode, JSON.stringify(said)).toBe(0);
    expect((await lockstep('snapshot', 'verify', snapshot)).exitCode).toBe(0);
  });

  it('is all that a fresh coordinator and the identity need for a restore', async () => {
    await lab.coordinator.stop();
    const config = parse(await readFile(join(lab.directory, 'coordinator/config.yaml'), 'utf8')) as {
      stateDir: string;
    };
    await rm(config.stateDir, { recursive: true, force: true });
    await emptyShelf();
    await startCoordinator();

    const refused = await planRestore(lab, snapshot);
    expect(JSON.stringify(refused.said)).toContain('SNAPSHOT_NOT_FETCHED');

    const without = await lockstep('snapshot', 'fetch', snapshot);
    expect(without.said.code).toBe('COPY_KEY_NEEDED');
    const otherKey = join(lab.directory, 'other-key.txt');
    await writeFile(otherKey, `${await generateIdentity()}\n`, { mode: 0o600 });
    const wrong = await lockstep('snapshot', 'fetch', snapshot, '--identity', otherKey);
    expect(wrong.said.code).toBe('COPY_KEY_WRONG');
    const looked = await lockstep('snapshot', 'verify', snapshot, '--identity', keyFile);
    expect(noteOf(looked.said), JSON.stringify(looked.said)).toMatch(/^It was unpacked on /);
    expect(await readdir(shelf())).toEqual([]);

    const { exitCode, said } = await lockstep('snapshot', 'fetch', snapshot, '--identity', keyFile);
    expect(exitCode, JSON.stringify(said)).toBe(0);
    const { said: restored } = await runRestore(lab, snapshot);
    expect(restored.outcome, JSON.stringify(restored)).toBe('restored');
    await waitServing(lab);
  }, 240_000);

  it('leaves plain text on no disk but the etcd host’s', async () => {
    // There it is found: so it would be elsewhere.
    expect((await startOf(join(shelf(), `${snapshot}.db`))).includes(SECRET)).toBe(true);
    const found: string[] = [];
    const plain: string[] = [];
    for (const directory of [lab.directory, store, tmpdir()]) {
      for await (const path of filesOf(directory)) {
        const bytes = await startOf(path);
        if (bytes.includes(SECRET)) found.push(path);
        // What is compressed and not encrypted would hide it from the search.
        if (directory !== tmpdir() && bytes.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC))
          plain.push(path);
      }
    }
    expect(found).toEqual([]);
    expect(plain).toEqual([]);
  });
});
