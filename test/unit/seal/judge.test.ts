import { type SealedCard, SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import {
  countersignCard,
  judgeSeals,
  MAX_BETWEEN_SEALS_MS,
  sealCard,
  type Trust,
} from '@lockstep/shared/seal/judge.ts';
import { isGenuine, isSameList, sealRevocation, unionOf } from '@lockstep/shared/seal/revocations.ts';
import type { SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { NOW_MS, SignerAuthority, VALID } from './signers.ts';

const DAY_MS = 24 * 60 * 60_000;
let authority: SignerAuthority;
let foreign: SignerAuthority;
let agent: SigningIdentity;
let coordinator: SigningIdentity;
let trust: Trust;

beforeAll(async () => {
  [authority, foreign] = await Promise.all([SignerAuthority.create('lab'), SignerAuthority.create('lab')]);
  [agent, coordinator] = await Promise.all([
    authority.signer('agent', 'cp1'),
    authority.signer('coordinator', 'c1'),
  ]);
  trust = { authorities: [authority.authority], revocations: [] };
});

const cardOf = (change: Partial<SnapshotCard> = {}): SnapshotCard =>
  SnapshotCard.fromPartial({ id: 's-1', cluster: 'lab', node: 'cp1', reason: 'a test', ...change });

interface Signers {
  readonly card?: SnapshotCard;
  readonly first?: SigningIdentity;
  readonly second?: SigningIdentity;
  readonly firstMs?: number;
  readonly secondMs?: number;
}

/** As the programs do it, whoever they are. */
function sealedBy({
  card = cardOf(),
  first = agent,
  second = coordinator,
  firstMs = NOW_MS,
  secondMs = NOW_MS + 5,
}: Signers = {}): SealedCard {
  const half = sealCard({ card, sealed: undefined }, first, firstMs);
  return { ...half, seals: [...half.seals, countersignCard(half, second, secondMs)] };
}

const codes = (sealed: SealedCard | undefined, by: Trust = trust): string[] =>
  judgeSeals(sealed, by).map(({ code }) => code);

describe('a card is trusted', () => {
  it('with the seal of its own agent and a coordinator’s, whenever it is looked at', () => {
    expect(codes(sealedBy())).toEqual([]);
  });

  it('where one of two CAs that are trusted for a while has issued the certificates', () => {
    const both = [...foreign.authority.certificates, ...authority.authority.certificates];
    expect(codes(sealedBy(), { ...trust, authorities: [{ cluster: 'lab', certificates: both }] })).toEqual(
      [],
    );
  });

  it('by the CA of the cluster that it is of, and by no other', async () => {
    const other = await SignerAuthority.create('elsewhere');
    const sealed = sealedBy({
      card: cardOf({ cluster: 'elsewhere' }),
      first: await other.signer('agent', 'cp1'),
      second: await other.signer('coordinator', 'c1'),
    });
    expect(codes(sealed)).toEqual(['SIGNER_UNTRUSTED']);
    expect(codes(sealed, { ...trust, authorities: [authority.authority, other.authority] })).toEqual([]);
    // The other cluster’s programs say nothing about this one.
    const posing = sealedBy({
      first: await other.signer('agent', 'cp1'),
      second: await other.signer('coordinator', 'c1'),
    });
    expect(codes(posing, { ...trust, authorities: [authority.authority, other.authority] })).toEqual([
      'SIGNER_UNTRUSTED',
    ]);
  });
});

describe('a card is not sealed', () => {
  it.each<[string, () => SealedCard | undefined]>([
    ['where there is none', () => undefined],
    ['by nobody', () => ({ ...sealedBy(), seals: [] })],
    ['by its agent alone', () => sealCard({ card: cardOf(), sealed: undefined }, agent, NOW_MS)],
  ])('%s', (_name, sealed) => {
    expect(codes(sealed())).toEqual(['CARD_UNSEALED']);
  });
});

describe('a stolen node key', () => {
  it('seals nothing alone: not twice, and not in the coordinator’s place', () => {
    expect(codes(sealedBy({ second: agent }))).toEqual(['SIGNER_UNTRUSTED']);
    const half = sealCard({ card: cardOf(), sealed: undefined }, agent, NOW_MS);
    const [seal] = half.seals;
    if (seal === undefined) throw new Error('no seal');
    expect(codes({ ...half, seals: [seal, seal] })).toEqual(['CARD_SEAL_INVALID']);
    const posing = { ...countersignCard(half, agent, NOW_MS), signer: 'lockstep://lab/coordinator/c1' };
    expect(codes({ ...half, seals: [seal, posing] })).toEqual(['SIGNER_UNTRUSTED']);
  });

  it('makes no card of another node, nor another card under a coordinator’s old seal', () => {
    expect(codes(sealedBy({ card: cardOf({ node: 'cp2' }) }))).toEqual(['SIGNER_UNTRUSTED']);
    const genuine = sealedBy();
    const forged = sealCard({ card: cardOf({ reason: 'forged' }), sealed: undefined }, agent, NOW_MS);
    const [, coordinators] = genuine.seals;
    if (coordinators === undefined) throw new Error('no seal');
    expect(codes({ ...forged, seals: [...forged.seals, coordinators] })).toEqual(['CARD_SEAL_INVALID']);
    // Nor the same card with another time: the second seal is on the first.
    const redated = sealCard({ card: cardOf(), sealed: undefined }, agent, NOW_MS - 60_000);
    expect(codes({ ...redated, seals: [...redated.seals, coordinators] })).toEqual(['CARD_SEAL_INVALID']);
  });

  it('cannot date a card back: the coordinator’s time is on it too', () => {
    const revocations = [revocation(new Date(NOW_MS - DAY_MS))];
    const backdated = sealedBy({ firstMs: NOW_MS - 2 * DAY_MS });
    expect(codes(backdated, { ...trust, revocations })).toEqual(['CARD_SEAL_INVALID']);
    const within = sealedBy({
      firstMs: NOW_MS - DAY_MS - 1_000,
      secondMs: NOW_MS - DAY_MS + 1_000,
    });
    expect(codes(within)).toEqual([]);
    expect(codes(within, { ...trust, revocations })).toEqual(['SIGNER_REVOKED']);
  });
});

describe('seals', () => {
  it('of another card, in another order, or more than two, are refused', () => {
    const one = sealedBy();
    const other = sealedBy({ card: cardOf({ id: 's-2' }) });
    const [a, b] = one.seals;
    const [c, d] = other.seals;
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('no seals');
    for (const [seals, code] of [
      [[c, d], 'CARD_SEAL_INVALID'],
      [[a, d], 'CARD_SEAL_INVALID'],
      [[c, b], 'CARD_SEAL_INVALID'],
      [[b, a], 'CARD_SEAL_INVALID'],
      [[a, b, b], 'CARD_SEAL_INVALID'],
      [[a, { ...b, signature: a.signature }], 'CARD_SEAL_INVALID'],
      [[a, { ...b, certificate: a.certificate }], 'SIGNER_UNTRUSTED'],
      [[{ ...a, certificate: b.certificate }, b], 'SIGNER_UNTRUSTED'],
    ] as const) {
      expect(codes({ ...one, seals: [...seals] })).toEqual([code]);
    }
  });

  it('more than minutes apart are refused, whichever came first', () => {
    expect(codes(sealedBy({ secondMs: NOW_MS + MAX_BETWEEN_SEALS_MS }))).toEqual([]);
    expect(codes(sealedBy({ secondMs: NOW_MS + MAX_BETWEEN_SEALS_MS + 1 }))).toEqual(['CARD_SEAL_INVALID']);
    expect(codes(sealedBy({ secondMs: NOW_MS - MAX_BETWEEN_SEALS_MS - 1 }))).toEqual(['CARD_SEAL_INVALID']);
  });

  it.each<[string, (signer: 'agent' | 'coordinator') => Promise<SigningIdentity>]>([
    ['of another CA of the same name', (role) => foreign.signer(role, role === 'agent' ? 'cp1' : 'c1')],
    [
      'whose certificate had expired',
      (role) =>
        authority.signer(role, role === 'agent' ? 'cp1' : 'c1', {
          validity: { ...VALID, notAfter: new Date(NOW_MS - 1_000) },
        }),
    ],
    [
      'whose certificate was not valid yet',
      (role) =>
        authority.signer(role, role === 'agent' ? 'cp1' : 'c1', {
          validity: { ...VALID, notBefore: new Date(NOW_MS + 60_000) },
        }),
    ],
    [
      'with a TLS certificate',
      (role) => authority.signer(role, role === 'agent' ? 'cp1' : 'c1', { usages: ['server', 'client'] }),
    ],
    [
      'with a TLS certificate over another kind of key',
      (role) =>
        authority.signer(role, role === 'agent' ? 'cp1' : 'c1', { ed25519: false, usages: ['client'] }),
    ],
    ['of an operator', () => authority.signer('operator', 'cp1')],
    ['of another cluster by the same CA', (role) => authority.signer(role, 'cp1', { cluster: 'elsewhere' })],
    ['of an agent with another name', () => authority.signer('agent', 'cp9')],
  ])('%s are refused', async (_name, signer) => {
    expect(codes(sealedBy({ first: await signer('agent') }))).toEqual(['SIGNER_UNTRUSTED']);
    expect(codes(sealedBy({ second: await signer('coordinator') }))).toEqual(['SIGNER_UNTRUSTED']);
  });

  it('made before the CA’s own certificate ends stay good after it', async () => {
    const old = await SignerAuthority.create('lab', { ...VALID, notAfter: new Date(NOW_MS + 1_000) });
    const signers = {
      first: await old.signer('agent', 'cp1'),
      second: await old.signer('coordinator', 'c1'),
    };
    const by = { ...trust, authorities: [old.authority] };
    expect(codes(sealedBy(signers), by)).toEqual([]);
    expect(codes(sealedBy({ ...signers, firstMs: NOW_MS + 5_000, secondMs: NOW_MS + 5_000 }), by)).toEqual([
      'SIGNER_UNTRUSTED',
    ]);
  });
});

const revocation = (since: Date, signer = 'lockstep://lab/agent/cp1') =>
  sealRevocation(
    {
      signer,
      since: since.toISOString(),
      reason: 'its disk was read',
      by: 'lockstep://lab/operator/alice',
      at: new Date(NOW_MS).toISOString(),
    },
    coordinator,
    NOW_MS,
  );

describe('a revocation', () => {
  it('withdraws what was sealed from then on, by agent or coordinator, and nothing before', () => {
    for (const signer of ['lockstep://lab/agent/cp1', 'lockstep://lab/coordinator/c1']) {
      const since = (ms: number): Trust => ({ ...trust, revocations: [revocation(new Date(ms), signer)] });
      expect(codes(sealedBy(), since(NOW_MS + 6))).toEqual([]);
      expect(codes(sealedBy(), since(NOW_MS + 5))).toEqual(['SIGNER_REVOKED']);
      expect(codes(sealedBy(), since(0))).toEqual(['SIGNER_REVOKED']);
    }
    const another = [revocation(new Date(0), 'lockstep://lab/agent/cp2')];
    expect(codes(sealedBy(), { ...trust, revocations: another })).toEqual([]);
  });

  it('counts with a coordinator’s seal on all of it, and without none', async () => {
    const genuine = revocation(new Date(NOW_MS));
    expect(isGenuine(genuine, authority.authority)).toBe(true);
    expect(isGenuine({ ...genuine, seal: undefined }, authority.authority)).toBe(false);
    expect(isGenuine(genuine, foreign.authority)).toBe(false);
    for (const field of ['signer', 'since', 'reason', 'by', 'at'] as const) {
      expect(isGenuine({ ...genuine, [field]: '2020-01-01T00:00:00.000Z' }, authority.authority), field).toBe(
        false,
      );
    }
    const byAgent = sealRevocation(genuine, await authority.signer('agent', 'cp2'), NOW_MS);
    expect(isGenuine(byAgent, authority.authority)).toBe(false);
    // A seal on a card is none on a revocation.
    expect(isGenuine({ ...genuine, seal: sealedBy().seals[1] }, authority.authority)).toBe(false);
  });

  it('that is earlier counts, whoever knows it, and in whatever order it is heard', () => {
    const early = revocation(new Date(NOW_MS - DAY_MS));
    const late = revocation(new Date(NOW_MS));
    const other = revocation(new Date(NOW_MS), 'lockstep://lab/agent/cp2');
    expect(unionOf([late], [early, other])).toEqual([early, other]);
    expect(unionOf([other, early], [late])).toEqual(unionOf([late], [other], [early]));
    expect(isSameList([early, other], [other, early])).toBe(true);
    expect(isSameList([late], [early])).toBe(false);
  });
});
