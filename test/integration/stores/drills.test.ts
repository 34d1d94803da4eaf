import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Alerts } from '../../e2e/support/alerts.ts';
import { planRestore, type Said, saidBy, saveSnapshot, waitAgents } from '../../e2e/support/cluster.ts';
import { loadObjects } from '../../e2e/support/objects.ts';
import { Lab } from '../../lab/lab.ts';
import { S3Server } from './s3-server.ts';

const COMMAND_TIMEOUT_MS = 120_000;
const ALERT_TIMEOUT_MS = 10_000;
const BUCKET = 'copies';

interface SaidProof {
  readonly level: string;
  readonly place: string;
  readonly note: string;
  readonly restoreMs: number;
  readonly failure?: { readonly code: string };
}

let lab: Lab;
let alerts: Alerts;
/** What lies outside the cluster: a directory, and what the S3 server keeps its buckets in. */
let vault: string;
let keyFile: string;
let snapshot: string;
const server = await S3Server.start();
const bucketDirectory = (): string => join(server?.directory ?? '', 'buckets', BUCKET);

beforeAll(async () => {
  vault = join(await mkdtemp(join(tmpdir(), 'lockstep-vault-')), 'copies');
  await mkdir(vault);
  const identity = await generateIdentity();
  lab = await Lab.up({ nodes: 2, nats: 1, coordinator: false });
  keyFile = join(lab.directory, 'operator-key.txt');
  await writeFile(keyFile, `${identity}\n`, { mode: 0o600 });
  const path = join(lab.directory, 'coordinator/config.yaml');
  const config = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const stores = [
    { name: 'vault', directory: { path: vault } },
    { name: 'plain', unencrypted: true, directory: { path: await mkdtemp(join(vault, '..', 'plain-')) } },
    ...(await s3Stores()),
  ];
  const recipients = [await identityToRecipient(identity)];
  await writeFile(path, stringify({ ...config, stores, recipients }));
  await lab.coordinator.start();
  await waitAgents(lab);
  await loadObjects(lab);
  alerts = await Alerts.listen(lab, 'drill');
  snapshot = await saveSnapshot(lab, '--node', 'cp1');
  await copied('vault');
  await copied('plain');
}, 240_000);

afterAll(async () => {
  await alerts?.[Symbol.asyncDispose]();
  await lab?.down();
  await server?.[Symbol.asyncDispose]();
  await rm(join(vault, '..'), { recursive: true, force: true });
}, 60_000);

async function s3Stores(): Promise<object[]> {
  if (server === undefined) return [];
  await server.makeBucket(BUCKET);
  const { endpoint } = server;
  const credentialsFile = await server.credentialsFile('root', server.root);
  return [
    {
      name: 'offsite',
      s3: { bucket: BUCKET, region: 'us-east-1', endpoint, pathStyle: true, credentialsFile },
    },
  ];
}

async function lockstep(...args: string[]): Promise<{ exit: number | null; said: Said }> {
  const ended = await lab.lockstep([...args, '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS });
  return { exit: ended.exitCode, said: saidBy(ended) };
}

async function page(...args: string[]): Promise<string> {
  return (await lab.lockstep(args, { timeoutMs: COMMAND_TIMEOUT_MS })).stdout;
}

async function copied(store: string): Promise<void> {
  const { exit, said } = await lockstep('snapshot', 'copy', snapshot, '--to-store', store);
  expect(exit, JSON.stringify(said)).toBe(0);
}

async function drilled(...args: string[]): Promise<{ exit: number | null; said: Said; proof: SaidProof }> {
  const answer = await lockstep('drill', 'run', snapshot, ...args);
  return { ...answer, proof: answer.said['proof'] as SaidProof };
}

/** Of a node: what it keeps, and what a drill would leave. */
function lyingOn(name: string): { snapshots: string[]; drills: string[] } {
  const node = lab.nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  const list = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  return {
    snapshots: list(node.path('/var/lib/lockstep/snapshots')),
    drills: list(node.path('/var/lib/lockstep/drills')),
  };
}

async function heard(code: string): Promise<string> {
  const { notices } = alerts;
  const told = {
    describe: () => `NATS tells of ${code}`,
    check: async () => notices.some((one) => one.code === code),
  };
  await waitFor(told, 50, deadline(ALERT_TIMEOUT_MS));
  const message = notices.find((one) => one.code === code)?.message ?? '';
  alerts.clear();
  return message;
}

async function flipByte(path: string, fromEnd: number): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length - fromEnd;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

const refusalsOf = ({ said }: { said: Said }): string[] =>
  (said['refusals'] as { code: string }[]).map(({ code }) => code);

describe.each<[string, boolean, () => string]>([
  ['vault', true, () => vault],
  ['offsite', server !== undefined, bucketDirectory],
])('an encrypted copy in %s', (store, isHere, directory) => {
  const bytes = (): string => join(directory(), `${snapshot}.snap`);
  const marks = async (): Promise<string> => readFile(join(directory(), `${snapshot}.marks.json`), 'utf8');

  it.runIf(isHere)('is brought, drilled to a served etcd, proven, and taken away again', async () => {
    await copied(store);
    const before = lyingOn('cp2');
    const { exit, said, proof } = await drilled('--store', store, '--identity', keyFile);
    expect(exit, JSON.stringify(said)).toBe(0);
    expect(proof).toMatchObject({ level: 'served', place: store });
    expect(proof.note).toBe('drilled on cp2, which kept nothing of it');
    expect(proof.restoreMs).toBeGreaterThan(0);
    expect(lyingOn('cp2')).toStrictEqual({ ...before, drills: [] });
    expect(JSON.parse(await marks())).toMatchObject({
      proofs: expect.arrayContaining([
        expect.objectContaining({ place: store, level: 'PROOF_LEVEL_SERVED' }),
      ]),
    });
    expect(await page('drill', 'list')).toMatch(
      new RegExp(`${snapshot}.*restored and served +${store} +[\\d.]+ m?s`),
    );
    expect(alerts.notices).toStrictEqual([]);
  });

  it.runIf(isHere)('is not drilled without its key, which says nothing of it', async () => {
    const without = await drilled('--store', store);
    expect(without).toMatchObject({ exit: 2, said: { code: 'COPY_KEY_NEEDED' } });
    const other = join(lab.directory, 'other-key.txt');
    await writeFile(other, `${await generateIdentity()}\n`, { mode: 0o600 });
    expect((await drilled('--store', store, '--identity', other)).said.code).toBe('COPY_KEY_WRONG');
    expect(JSON.stringify(await marks())).not.toMatch(/failure/);
  });

  it.runIf(isHere)(
    'that was spoilt is found, alerts, is marked, and is no objection to a restore',
    async () => {
      // Another copy is good, and known to be.
      expect((await drilled('--node', 'cp1')).exit).toBe(0);
      await flipByte(bytes(), 100);
      const before = lyingOn('cp2');
      const { exit, proof } = await drilled('--store', store, '--identity', keyFile);
      expect({ exit, proof }).toMatchObject({
        exit: 8,
        proof: { place: store, failure: { code: 'COPY_DAMAGED' } },
      });
      const alert = await heard('COPY_DAMAGED');
      expect(alert).toContain(`The copy of ${snapshot} in ${store} is BAD, as a drill found: COPY_DAMAGED: `);
      expect(alert).toContain('put a new copy in its place with `lockstep snapshot copy`');
      expect(lyingOn('cp2')).toStrictEqual(before);
      expect(await marks()).toContain('COPY_DAMAGED');
      expect(await page('snapshot', 'list')).toContain(`its copy at ${store} was found broken`);
      expect(await page('snapshot', 'show', snapshot)).toContain(`drill on ${store}`);
      const doctor = await lockstep('doctor');
      expect(JSON.stringify(doctor.said)).toContain('COPY_DAMAGED');
      expect(refusalsOf(await planRestore(lab, snapshot))).toStrictEqual([]);
    },
  );

  it.runIf(isHere)('whose head was spoilt opens to nobody, and is found all the same', async () => {
    await copied(store);
    const head = await readFile(bytes());
    await flipByte(bytes(), head.length - 60);
    const { exit, proof } = await drilled('--store', store, '--identity', keyFile);
    expect({ exit, proof }).toMatchObject({
      exit: 8,
      proof: { place: store, failure: { code: 'COPY_DAMAGED' } },
    });
    await heard('COPY_DAMAGED');
    await copied(store);
    expect((await drilled('--store', store, '--identity', keyFile)).exit).toBe(0);
    expect(await page('snapshot', 'list')).not.toContain('was found broken');
  });
});

describe('a drill through the coordinator', () => {
  it('goes to a named node that has no copy, and leaves none there', async () => {
    const before = lyingOn('cp2');
    const { exit, proof } = await drilled('--node', 'cp2');
    expect({ exit, proof }).toMatchObject({ exit: 0, proof: { place: 'cp2', level: 'served' } });
    expect(lyingOn('cp2')).toStrictEqual({ ...before, drills: [] });
  });

  it('of a stored copy on the node that holds the snapshot leaves its own where it is', async () => {
    const before = lyingOn('cp1');
    const { exit, proof } = await drilled('--store', 'vault', '--identity', keyFile, '--node', 'cp1');
    expect({ exit, proof }).toMatchObject({ exit: 0, proof: { place: 'vault', level: 'served' } });
    expect(proof.note).toContain('by the same bytes that it holds itself');
    expect(lyingOn('cp1').snapshots).toStrictEqual(before.snapshots);
  });

  it('finds what was spoilt on an agent’s disk, alerts, and bars a restore until it is proven', async () => {
    const [cp1] = lab.nodes;
    const path = cp1?.path(`/var/lib/lockstep/snapshots/${snapshot}.db`) ?? '';
    const good = await readFile(path);
    const evil = Buffer.from(good);
    const at = evil.indexOf('/registry/configmaps/') + 30;
    evil[at] = (evil[at] ?? 0) ^ 1;
    // etcd's own trailer is made to fit: nothing but the card can tell.
    createHash('sha256')
      .update(evil.subarray(0, -32))
      .digest()
      .copy(evil, evil.length - 32);
    await writeFile(path, evil);
    const { exit, proof } = await drilled('--node', 'cp1');
    expect({ exit, proof }).toMatchObject({
      exit: 8,
      proof: { place: 'cp1', failure: { code: 'SNAPSHOT_CARD_MISMATCH' } },
    });
    const alert = await heard('SNAPSHOT_CARD_MISMATCH');
    expect(alert).toContain(`Snapshot ${snapshot} is BAD on cp1`);
    expect(refusalsOf(await planRestore(lab, snapshot))).toContain('SNAPSHOT_PROVEN_BAD');
    expect(await page('drill', 'list')).toContain(`${snapshot} is BAD, as was found on cp1`);
    const listed = await page('snapshot', 'list');
    expect(listed).toMatch(/drill \d+s BAD/);
    expect(listed).toContain('its copy at cp1 was found broken');
    expect(JSON.stringify((await lockstep('doctor')).said)).toContain('SNAPSHOT_CARD_MISMATCH');
    // A new one is made from what another node has, and is good.
    expect((await lockstep('snapshot', 'copy', snapshot, '--to-node', 'cp1')).said.code).toBe(
      'SNAPSHOT_NOT_FOUND',
    );
    expect((await lockstep('snapshot', 'fetch', snapshot, '--store', 'plain', '--node', 'cp2')).exit).toBe(0);
    expect((await lockstep('snapshot', 'copy', snapshot, '--to-node', 'cp1')).exit).toBe(0);
    expect((await readFile(path)).equals(good)).toBe(true);
    expect((await drilled('--node', 'cp1')).exit).toBe(0);
    expect(refusalsOf(await planRestore(lab, snapshot))).toStrictEqual([]);
  }, 240_000);

  it('takes a snapshot that no agent holds from the store that is not encrypted', async () => {
    const shelves = lab.nodes.map((node) => node.path('/var/lib/lockstep/snapshots'));
    for (const shelf of shelves) {
      for (const name of readdirSync(shelf)) await rm(join(shelf, name));
    }
    const { exit, said, proof } = await drilled('--store', 'plain');
    expect({ exit, proof }, JSON.stringify(said)).toMatchObject({
      exit: 0,
      proof: { place: 'plain', level: 'served' },
    });
    expect(shelves.flatMap((shelf) => readdirSync(shelf))).toStrictEqual([]);
    expect(refusalsOf(await planRestore(lab, snapshot))).toContain('SNAPSHOT_NOT_FETCHED');
  });
});
