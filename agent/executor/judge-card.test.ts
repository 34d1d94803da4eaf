import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { SnapshotCard, SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { cardJson } from '@lockstep/shared/seal/card.ts';
import { describe, expect, it } from 'vitest';
import { requireTrustedCard } from './judge-card.ts';

const CARD = SnapshotCard.fromPartial({
  id: 's-1',
  reason: 'a test',
  facts: { fileSha256: 'aa', members: [{ name: 'cp1', peerUrls: ['https://10.0.0.1:2380'] }] },
});

type Change = Partial<RestorePlan>;

function judged(change: Change = {}, codes: ('CARD_UNSEALED' | 'SIGNER_REVOKED')[] = [], card = CARD) {
  const sealedSnapshot = { cardJson: cardJson(CARD), seals: [] };
  const plan = { ...RestorePlan.fromPartial({ sealedSnapshot }), ...change };
  const judge = async () => codes.map((code) => refusal(code, 'the reason'));
  return requireTrustedCard('cp1', plan, card, judge);
}

const overridden = (code: string) => ({
  overrides: [{ code, reason: 'I know' }],
  approvalNeeds: [{ code, message: 'I know' }],
});

describe('before a snapshot is staged', () => {
  it('its card is judged once more, on the node', async () => {
    await expect(judged()).resolves.toBeUndefined();
    await expect(judged({}, ['SIGNER_REVOKED'])).rejects.toMatchObject({
      code: 'SIGNER_REVOKED',
      node: 'cp1',
    });
    const none = { sealedSnapshot: undefined };
    await expect(judged(none, ['CARD_UNSEALED'])).rejects.toMatchObject({ code: 'CARD_UNSEALED' });
  });

  it('what was overridden, and had to be approved, is let through, and nothing else is', async () => {
    await expect(judged(overridden('SIGNER_REVOKED'), ['SIGNER_REVOKED'])).resolves.toBeUndefined();
    await expect(judged(overridden('CARD_UNSEALED'), ['SIGNER_REVOKED'])).rejects.toMatchObject({
      code: 'SIGNER_REVOKED',
    });
    await expect(
      judged(overridden('CARD_UNSEALED'), ['CARD_UNSEALED', 'SIGNER_REVOKED']),
    ).rejects.toMatchObject({ code: 'SIGNER_REVOKED' });
    // An override that nobody had to answer for is none.
    const alone = { ...overridden('CARD_UNSEALED'), approvalNeeds: [] };
    await expect(judged(alone, ['CARD_UNSEALED'])).rejects.toMatchObject({ code: 'CARD_UNSEALED' });
    const unsaid = { ...overridden('CARD_UNSEALED'), overrides: [] };
    await expect(judged(unsaid, ['CARD_UNSEALED'])).rejects.toMatchObject({ code: 'CARD_UNSEALED' });
  });

  it('a plan of another card than the sealed one is never carried out', async () => {
    const others = [
      { ...CARD, reason: 'another' },
      { ...CARD, id: 's-2' },
      { ...CARD, parentId: 's-0' },
      { ...CARD, facts: SnapshotFacts.fromPartial({ ...CARD.facts, fileSha256: 'bb' }) },
      { ...CARD, facts: SnapshotFacts.fromPartial({ ...CARD.facts, members: [{ name: 'cp2' }] }) },
    ];
    for (const other of others) {
      const attempt = judged(overridden('SNAPSHOT_CARD_MISMATCH'), [], other);
      await expect(attempt).rejects.toMatchObject({ code: 'SNAPSHOT_CARD_MISMATCH' });
    }
    // What a coordinator of an older version does not know it says nothing about.
    await expect(judged({}, [], { ...CARD, facts: undefined })).resolves.toBeUndefined();
    const garbled = judged({ sealedSnapshot: { cardJson: '{', seals: [] } });
    await expect(garbled).rejects.toMatchObject({ code: 'SNAPSHOT_CARD_MISMATCH' });
  });
});
