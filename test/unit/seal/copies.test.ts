import { createHash } from 'node:crypto';
import { KeptCopies } from '@lockstep/coordinator/runner/kept-copies.ts';
import type { Store } from '@lockstep/coordinator/runner/ports.ts';
import { requireCopySeal } from '@lockstep/coordinator/runner/sealing.ts';
import { findCopy, namesOf } from '@lockstep/coordinator/runner/stored-cards.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { SnapshotCard, StoredCard, StoredCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { canonicalJson } from '@lockstep/shared/seal/canonical.ts';
import { copyContent } from '@lockstep/shared/seal/copy.ts';
import { countersignCard, sealCard, type Trust } from '@lockstep/shared/seal/judge.ts';
import { makeSeal, type SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { everyField, type Json } from './every-field.ts';
import { mutationsOf } from './mutations.ts';
import { NOW_MS, SignerAuthority } from './signers.ts';

/** What a store says of a copy, changed one thing at a time, as whoever can write to the store can. */
const BYTES = Buffer.from('stored bytes');
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
let trust: Trust;
let agent: SigningIdentity;
let coordinator: SigningIdentity;
let stranger: SigningIdentity;
let file: { sealed: Json; card: Json; copy: { [key: string]: Json } };
let copy: StoredCopy;

beforeAll(async () => {
  const authority = await SignerAuthority.create('lab');
  agent = await authority.signer('agent', 'cp1');
  // Whoever holds a snapshot makes copies of it, not only the node that took it.
  const holder = await authority.signer('agent', 'cp2');
  coordinator = await authority.signer('coordinator', 'coordinator-1');
  stranger = await (await SignerAuthority.create('lab')).signer('agent', 'cp2');
  trust = { authorities: [authority.authority], revocations: [] };
  const card = SnapshotCard.fromPartial({
    id: 's-1',
    cluster: 'lab',
    node: 'cp1',
    takenAt: new Date(NOW_MS).toISOString(),
  });
  const half = sealCard({ card, sealed: undefined }, agent, NOW_MS);
  const sealed = { ...half, seals: [...half.seals, countersignCard(half, coordinator, NOW_MS + 5)] };
  const { seal: _none, ...fields } = everyField('StoredCopy');
  copy = StoredCopy.fromJSON({
    ...fields,
    snapshotId: 's-1',
    sha256: createHash('sha256').update(BYTES).digest('hex'),
    sizeBytes: String(BYTES.length),
  });
  copy = { ...copy, seal: makeSeal('stored-copy', copyContent(copy), holder, NOW_MS) };
  file = StoredCard.toJSON({ sealed, card, copy }) as typeof file;
});

const text = (of: object): string => JSON.stringify(of);
const sealedBy = (signer: SigningIdentity, purpose: 'stored-copy' | 'revocation' = 'stored-copy'): Json =>
  (
    StoredCopy.toJSON({ ...copy, seal: makeSeal(purpose, copyContent(copy), signer, NOW_MS) }) as {
      seal: Json;
    }
  ).seal;

describe('what a store says of a copy', () => {
  it('has every field of the contract, and is taken where an agent sealed it', async () => {
    expect(Object.keys(file.copy).sort()).toEqual(Object.keys(everyField('StoredCopy')).sort());
    expect(await judged(text(file))).toBe('taken');
  });

  it('is refused with any one thing in it changed, gone, added or moved', async () => {
    const accepted: string[] = [];
    let tried = 0;
    for (const { what, value } of mutationsOf(file.copy)) {
      if (canonicalJson(value) === canonicalJson(file.copy)) continue;
      tried += 1;
      const verdict = await judged(text({ ...file, copy: value }));
      if (/^(COPY_SEAL_INVALID|COPY_DAMAGED)$/.test(verdict)) continue;
      // Of a seal, what is read is what counts, however it was written.
      if (canonicalJson(StoredCopy.toJSON(StoredCopy.fromJSON(value))) === canonicalJson(file.copy)) {
        if (!what.includes('seal')) accepted.push(`${what}: ${verdict}, written otherwise`);
        continue;
      }
      accepted.push(`${what}: ${verdict}`);
    }
    expect(accepted).toEqual([]);
    expect(tried).toBeGreaterThan(60);
  });

  it.each<[string, () => Json]>([
    ['a coordinator', () => sealedBy(coordinator)],
    ['an agent of another CA by the same name', () => sealedBy(stranger)],
    ['an agent, for another purpose', () => sealedBy(agent, 'revocation')],
  ])('is refused where %s sealed it', async (_who, seal) => {
    expect(await judged(text({ ...file, copy: { ...file.copy, seal: seal() } }))).toBe('COPY_SEAL_INVALID');
  });

  it('is refused without a seal beside a card that has some, and taken where neither has', async () => {
    const { seal: _gone, ...unsealed } = file.copy;
    expect(await judged(text({ ...file, copy: unsealed }))).toBe('COPY_SEAL_INVALID');
    expect(await judged(text({ card: file.card, copy: unsealed }))).toBe('taken');
  });

  it('is told in a list, where the copy stays and is not trusted', async () => {
    const tampered = { ...file, copy: { ...file.copy, storedAt: '2026-01-01T00:00:00.000Z' } };
    const kept = new KeptCopies([storeOf(text(tampered))], { trust: async () => trust });
    const { copies, failures } = await kept.list(soon());
    expect(copies.map(({ copy: { snapshotId }, distrust }) => [snapshotId, distrust[0]?.code])).toEqual([
      ['s-1', 'COPY_SEAL_INVALID'],
    ]);
    expect(failures.map(({ code, node }) => [code, node])).toEqual([['COPY_SEAL_INVALID', 'disk']]);
  });
});

/** As a fetch, a verify or a drill comes by it. */
async function judged(card: string): Promise<string> {
  try {
    const found = await findCopy(storeOf(card), 's-1', soon());
    if (found === undefined) return 'none';
    requireCopySeal(found, trust);
    return 'taken';
  } catch (thrown) {
    if (thrown instanceof LockstepError) return thrown.code;
    throw thrown;
  }
}

function storeOf(card: string): Store {
  const { bytes, card: name } = namesOf('s-1');
  const objects = new Map([
    [bytes, BYTES],
    [name, Buffer.from(card)],
  ]);
  return {
    name: 'disk',
    put: () => Promise.reject(new Error('only read')),
    async *get(of) {
      yield objects.get(of) ?? Buffer.alloc(0);
    },
    list: async () => [...objects].map(([of, { length }]) => ({ name: of, sizeBytes: length })),
    head: async (of) => {
      const found = objects.get(of);
      return found === undefined ? undefined : { name: of, sizeBytes: found.length };
    },
    remove: () => Promise.reject(new Error('only read')),
  };
}
