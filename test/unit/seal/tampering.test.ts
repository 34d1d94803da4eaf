import { type SealedCard, SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { canonicalJson } from '@lockstep/shared/seal/canonical.ts';
import { cardFileText, parseCardFile } from '@lockstep/shared/seal/card-file.ts';
import { countersignCard, judgeSeals, sealCard, type Trust } from '@lockstep/shared/seal/judge.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { everyField, type Json } from './every-field.ts';
import { mutationsOf } from './mutations.ts';
import { NOW_MS, SignerAuthority } from './signers.ts';

/**
 * Every field of a card, and every byte of its seals, changed one at a time. What is at hand is
 * refused each time, through the text on the wire and through the file beside the snapshot.
 */
let trust: Trust;
let content: { [key: string]: Json };
let card: SnapshotCard;
let sealed: SealedCard;

beforeAll(async () => {
  const authority = await SignerAuthority.create('lab');
  const agent = await authority.signer('agent', 'cp1');
  const coordinator = await authority.signer('coordinator', 'coordinator-1');
  trust = { authorities: [authority.authority], revocations: [] };
  content = {
    ...everyField('SnapshotCard'),
    id: 's-1',
    cluster: 'lab',
    node: 'cp1',
    takenAt: new Date(NOW_MS).toISOString(),
  };
  card = SnapshotCard.fromJSON(content);
  const half = sealCard({ card, sealed: undefined }, agent, NOW_MS);
  sealed = { ...half, seals: [...half.seals, countersignCard(half, coordinator, NOW_MS + 5)] };
});

const codes = (of: SealedCard | undefined): string[] => judgeSeals(of, trust).map(({ code }) => code);
const REFUSED = /^(CARD_SEAL_INVALID|SIGNER_UNTRUSTED)$/;

describe('a sealed card', () => {
  it('has every field of the contract, and is trusted', () => {
    expect(SnapshotCard.toJSON(card)).toEqual(content);
    expect(sealed.cardJson).toBe(canonicalJson(content));
    expect(codes(sealed)).toEqual([]);
  });

  it('is the same card through its file, however that is laid out', () => {
    const text = cardFileText({ card, sealed });
    expect(parseCardFile(text)).toEqual({ card, sealed });
    const file = JSON.parse(text) as { card: object; seals: object[] };
    const turned = { seals: file.seals, card: Object.fromEntries(Object.entries(file.card).reverse()) };
    expect(codes(parseCardFile(JSON.stringify(turned)).sealed)).toEqual([]);
  });

  it('is refused with any one thing in it changed, gone, added or moved', () => {
    const whole = canonicalJson(content);
    const accepted: string[] = [];
    let tried = 0;
    for (const { what, value } of mutationsOf(content)) {
      const text = canonicalJson(value);
      if (text === whole) continue;
      tried += 1;
      const [code = 'trusted'] = codes({ ...sealed, cardJson: text });
      if (!REFUSED.test(code)) accepted.push(`${what}: ${code}`);
    }
    expect(accepted).toEqual([]);
    // About eight for each of the fields, nested ones included.
    expect(tried).toBeGreaterThan(500);
  });

  it('is refused so in its file too, and never read as another card', () => {
    const file = JSON.parse(cardFileText({ card, sealed })) as { card: Json; seals: Json };
    const accepted: string[] = [];
    for (const { what, value } of mutationsOf(file.card)) {
      if (canonicalJson(value) === canonicalJson(content)) continue;
      const [code = 'trusted'] = judged(JSON.stringify({ ...file, card: value }));
      if (!/^(CARD_SEAL_INVALID|SIGNER_UNTRUSTED|unreadable)$/.test(code)) accepted.push(`${what}: ${code}`);
    }
    for (const { what, value } of mutationsOf(file.seals, 'seals')) {
      if (canonicalJson(value) === canonicalJson(file.seals)) continue;
      const [code = 'trusted'] = judged(JSON.stringify({ ...file, seals: value }));
      // A text where a list of one text was is the same text: what is read is what counts.
      if (code === 'trusted' && readsTheSame(value)) continue;
      if (!/^(CARD_UNSEALED|CARD_SEAL_INVALID|SIGNER_UNTRUSTED|unreadable)$/.test(code))
        accepted.push(`${what}: ${code}`);
    }
    expect(accepted).toEqual([]);
  });

  it('is refused with any byte of a signature or a certificate changed, or a byte more or less', () => {
    const accepted: string[] = [];
    for (const [index, seal] of sealed.seals.entries()) {
      for (const field of ['signature', 'certificate'] as const) {
        const bytes = Buffer.from(seal[field]);
        const others: [string, Buffer][] = [
          ['a byte more', Buffer.concat([bytes, Buffer.from([0])])],
          ['a byte less', bytes.subarray(0, -1)],
          ['nothing', Buffer.alloc(0)],
        ];
        for (const [at, byte] of bytes.entries()) {
          others.push([`byte ${at}`, Buffer.from(bytes.with(at, byte ^ (1 << (at & 7))))]);
        }
        for (const [what, value] of others) {
          const seals = sealed.seals.with(index, { ...seal, [field]: value });
          const [code = 'trusted'] = codes({ ...sealed, seals });
          if (!REFUSED.test(code)) accepted.push(`${field} of seal ${index}, ${what}: ${code}`);
        }
      }
    }
    expect(accepted).toEqual([]);
  });

  it('is refused where the text is no card at all', () => {
    for (const cardJson of ['', '{', 'null', '[]', '"s-1"', '7', '{"id":"\\ud800"}', '{"hash":1e999}']) {
      expect(codes({ ...sealed, cardJson }), cardJson).toEqual(['CARD_SEAL_INVALID']);
    }
  });

  it('is read as the last of two fields of one name, as whatever was signed was', () => {
    const twice = sealed.cardJson.replace('{', '{"node":"cp9",');
    expect(codes({ ...sealed, cardJson: twice })).toEqual([]);
    const after = sealed.cardJson.replace(/\}$/, ',"node":"cp9"}');
    expect(codes({ ...sealed, cardJson: after })).toEqual(['CARD_SEAL_INVALID']);
  });
});

function judged(file: string): string[] {
  try {
    return codes(parseCardFile(file).sealed);
  } catch {
    return ['unreadable'];
  }
}

function readsTheSame(seals: Json): boolean {
  const text = JSON.stringify({ card: content, seals });
  return JSON.stringify(parseCardFile(text).sealed) === JSON.stringify(sealed);
}
