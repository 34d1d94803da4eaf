import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Revocation } from '../generated/lockstep/v1/snapshot.ts';
import { RevocationFile } from './revocation-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'revocations-'));
});
afterEach(() => rm(directory, { recursive: true }));

const of = (signer: string, since = '2026-11-20T08:00:00.000Z'): Revocation =>
  Revocation.fromPartial({
    signer,
    since,
    reason: 'r',
    by: 'b',
    at: 'a',
    seal: { signature: Buffer.from('s') },
  });

describe('revocations on disk', () => {
  it('are none at first, and afterwards what was added, whoever reads them', async () => {
    const file = new RevocationFile(directory);
    expect(await file.read()).toEqual([]);
    expect(await file.add([of('a')])).toEqual([of('a')]);
    expect(await new RevocationFile(directory).read()).toEqual([of('a')]);
    expect(await readdir(directory)).toEqual(['revocations.json']);
  });

  it('only grow, and keep the earliest moment', async () => {
    const file = new RevocationFile(directory);
    await file.add([of('a', '2026-11-20T08:00:00.000Z')]);
    expect(await file.add([])).toHaveLength(1);
    const later = await file.add([of('a', '2026-11-21T08:00:00.000Z')]);
    expect(later.map(({ since }) => since)).toEqual(['2026-11-20T08:00:00.000Z']);
    const earlier = await file.add([of('a', '2026-11-19T08:00:00.000Z')]);
    expect(earlier.map(({ since }) => since)).toEqual(['2026-11-19T08:00:00.000Z']);
  });

  it('lose nothing where several are added at once', async () => {
    const file = new RevocationFile(join(directory, 'not there yet'));
    const names = Array.from({ length: 8 }, (_, index) => `signer-${index}`);
    await Promise.all(names.map((name) => file.add([of(name)])));
    expect((await file.read()).map(({ signer }) => signer)).toEqual(names);
  });

  it('are never taken for none where they cannot be read', async () => {
    await writeFile(join(directory, 'revocations.json'), '{ half');
    const file = new RevocationFile(directory);
    await expect(file.read()).rejects.toMatchObject({ code: 'REVOCATIONS_UNREADABLE' });
    await expect(file.add([of('a')])).rejects.toMatchObject({ code: 'REVOCATIONS_UNREADABLE' });
  });
});
