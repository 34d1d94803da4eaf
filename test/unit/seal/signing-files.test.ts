import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { countersignCard, judgeSeals, sealCard } from '@lockstep/shared/seal/judge.ts';
import {
  readAuthorities,
  readSigningIdentity,
  reportSigning,
  signingFilesBeside,
} from '@lockstep/shared/seal/signing-files.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What `lockstep init` writes is what the programs sign and judge with. */
const DAY_MS = 24 * 60 * 60_000;
let pki: string;
const nowMs = Date.now();
const cp1 = { cluster: 'lab', role: 'agent', name: 'cp1' } as const;
const c1 = { cluster: 'lab', role: 'coordinator', name: 'c1' } as const;
const filesOf = (directory: string) => signingFilesBeside(join(pki, directory, 'tls.crt'));

beforeAll(async () => {
  pki = await mkdtemp(join(tmpdir(), 'signing-'));
  await initPki({
    cluster: 'lab',
    outDir: pki,
    agents: [
      { name: 'cp1', address: '10.0.0.1' },
      { name: 'cp2', address: '10.0.0.2' },
    ],
    coordinators: [{ name: 'c1', address: '10.0.0.9' }],
    operators: ['alice'],
    nowMs,
  });
});
afterAll(() => rm(pki, { recursive: true }));

describe('signing identities', () => {
  it('of init seal a card that its CA’s bearers trust', async () => {
    const agent = await readSigningIdentity(filesOf('agents/cp1'), cp1, nowMs);
    const coordinator = await readSigningIdentity(filesOf('coordinators/c1'), c1, nowMs);
    const card = SnapshotCard.fromPartial({ id: 's-1', cluster: 'lab', node: 'cp1' });
    const half = sealCard({ card, sealed: undefined }, agent, nowMs);
    const sealed = { ...half, seals: [...half.seals, countersignCard(half, coordinator, nowMs)] };
    const authorities = await readAuthorities('lab', join(pki, 'agents/cp2/ca.crt'));
    expect(judgeSeals(sealed, { authorities, revocations: [] })).toEqual([]);
    expect((await stat(filesOf('agents/cp1').keyFile)).mode & 0o777).toBe(0o600);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['that are not there', () => readSigningIdentity(filesOf('operators/alice'), cp1, nowMs), /There is no/],
    ['of somebody else', () => readSigningIdentity(filesOf('agents/cp2'), cp1, nowMs), /is of .*cp2, not of/],
    [
      'that are TLS ones',
      () =>
        readSigningIdentity(
          { certFile: join(pki, 'agents/cp1/tls.crt'), keyFile: join(pki, 'agents/cp1/tls.key') },
          cp1,
          nowMs,
        ),
      /no certificate for signing/,
    ],
    [
      'with another’s key',
      () =>
        readSigningIdentity({ ...filesOf('agents/cp1'), keyFile: filesOf('agents/cp2').keyFile }, cp1, nowMs),
      /is not the key of/,
    ],
    [
      'that have ended',
      () => readSigningIdentity(filesOf('agents/cp1'), cp1, nowMs + 3_651 * DAY_MS),
      /valid from .* not now/,
    ],
  ])('%s sign nothing, and say why without the key', async (_name, read, words) => {
    await expect(read()).rejects.toMatchObject({
      code: 'SIGNING_IDENTITY_MISSING',
      message: expect.stringMatching(words),
    });
  });

  it('are reported, with their end or what is wrong', async () => {
    expect(await reportSigning(filesOf('agents/cp1'), cp1, nowMs)).toMatchObject({
      signer: 'lockstep://lab/agent/cp1',
      problem: '',
    });
    const none = await reportSigning(filesOf('operators/alice'), cp1, nowMs);
    expect(none).toMatchObject({
      signer: '',
      validUntil: '',
      problem: expect.stringContaining('There is no'),
    });
  });
});

describe('authorities', () => {
  it('are this cluster’s own and those that lie beside it by their cluster’s name', async () => {
    const caFile = join(pki, 'agents/cp1/ca.crt');
    const trusted = join(pki, 'agents/cp1/trusted');
    const clusters = async (): Promise<[string, number][]> =>
      (await readAuthorities('lab', caFile)).map(({ cluster, certificates }) => [
        cluster,
        certificates.length,
      ]);
    expect(await clusters()).toEqual([['lab', 1]]);
    await mkdir(trusted);
    await writeFile(join(trusted, 'burnt.crt'), await readFile(caFile));
    await writeFile(join(trusted, 'notes.txt'), 'not one');
    expect(await clusters()).toEqual([
      ['lab', 1],
      ['burnt', 1],
    ]);
    // What cannot be read vouches for nobody; a file in this cluster’s own name is not asked.
    await writeFile(
      join(trusted, 'burnt.crt'),
      '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n',
    );
    await writeFile(join(trusted, 'lab.crt'), await readFile(caFile));
    expect(await clusters()).toEqual([
      ['lab', 1],
      ['burnt', 0],
    ]);
    await expect(readAuthorities('lab', join(pki, 'nowhere.crt'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
