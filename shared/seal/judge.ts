import type { ErrorCode } from '../errors/catalogue.ts';
import { refusal } from '../errors/lockstep-error.ts';
import type { Refusal } from '../generated/lockstep/v1/common.ts';
import type { Revocation, Seal, SealedCard } from '../generated/lockstep/v1/snapshot.ts';
import { identityUri, type Role } from '../tls/identity.ts';
import { type CarriedCard, cardJson, type ReadCard, readCard } from './card.ts';
import {
  type Authority,
  checkSeal,
  isFault,
  makeSeal,
  type SealedBy,
  type SealFault,
  type SigningIdentity,
} from './seal.ts';

/**
 * The two seals of a card are made within this of each other, by two clocks: so neither signer's
 * word on the time stands alone.
 */
export const MAX_BETWEEN_SEALS_MS = 5 * 60_000;

/** What a judge goes by. It needs no register of signers: the CA's word is in each certificate. */
export interface Trust {
  /** One for each cluster whose snapshots are taken. */
  readonly authorities: readonly Authority[];
  readonly revocations: readonly Revocation[];
}

/** The card with its agent's seal alone, which seals nothing yet. */
export function sealCard(carried: CarriedCard, signer: SigningIdentity, nowMs: number): SealedCard {
  const text = cardJson(carried.card);
  // The text is canonical: to read it as a foreign one would make that of it once more.
  return { cardJson: text, seals: [makeSeal('snapshot-card', JSON.parse(text), signer, nowMs)] };
}

/** The other seal; the caller has judged the first. */
export function countersignCard(sealed: SealedCard, signer: SigningIdentity, nowMs: number): Seal {
  const { content } = readCard(sealed.cardJson);
  return makeSeal('snapshot-card', content, signer, nowMs, sealed.seals[0]);
}

/**
 * Why the card is not trusted; empty where it is. It wants exactly two seals: of the agent that
 * the card names, then a coordinator's that covers the first. Never throws.
 */
export function judgeSeals(sealed: SealedCard | undefined, trust: Trust): Refusal[] {
  const half = judgeAgentSeal(sealed, trust);
  if (!('card' in half)) return half;
  const { card, content, agent, first, authority } = half;
  const [, second, ...others] = sealed?.seals ?? [];
  if (second === undefined) {
    return [refusal('CARD_UNSEALED', `${card.id} is sealed by ${identityUri(agent.identity)} alone`)];
  }
  if (others.length > 0) {
    return [refusal('CARD_SEAL_INVALID', `${card.id} has ${others.length + 2} seals; two are wanted`)];
  }
  const coordinator = checkSeal('snapshot-card', content, second, authority, first);
  if (isFault(coordinator)) return [faulty(card.id, coordinator)];
  const wrong = whoseSeal(coordinator, 'coordinator');
  if (wrong !== undefined) return [faulty(card.id, wrong)];
  const apartMs = Math.abs(coordinator.signedMs - agent.signedMs);
  if (apartMs > MAX_BETWEEN_SEALS_MS) {
    const words = `${card.id}: its seals were made ${Math.round(apartMs / 1000)} s apart`;
    return [refusal('CARD_SEAL_INVALID', words)];
  }
  // A signer's own word on the time may be a lie; the later of two words is not earlier than the truth.
  const signedMs = Math.max(coordinator.signedMs, agent.signedMs);
  return [agent, coordinator].flatMap(({ identity }) =>
    revokedAt(identityUri(identity), signedMs, trust.revocations).map(({ since, reason }) =>
      refusal(
        'SIGNER_REVOKED',
        `${card.id} was sealed at ${new Date(signedMs).toISOString()} by ${identityUri(identity)}, which is not trusted since ${since}: ${reason}`,
      ),
    ),
  );
}

/** What the first seal proves. */
export interface AgentSealed extends ReadCard {
  readonly agent: SealedBy;
  readonly first: Seal;
  readonly authority: Authority;
}

/** The first seal, judged by itself: by the agent of the node that the card names. Never throws. */
export function judgeAgentSeal(sealed: SealedCard | undefined, trust: Trust): AgentSealed | Refusal[] {
  const first = sealed?.seals[0];
  if (sealed === undefined || first === undefined) {
    return [refusal('CARD_UNSEALED', 'the card bears no seal')];
  }
  let read: ReadCard;
  try {
    read = readCard(sealed.cardJson);
  } catch {
    return [refusal('CARD_SEAL_INVALID', 'the sealed card cannot be read')];
  }
  const { card, content } = read;
  const authority = trust.authorities.find(({ cluster }) => cluster === card.cluster);
  if (authority === undefined) {
    const words = `${card.id} is of cluster ${JSON.stringify(card.cluster)}, whose CA is not known here`;
    return [refusal('SIGNER_UNTRUSTED', words)];
  }
  const agent = checkSeal('snapshot-card', content, first, authority);
  if (isFault(agent)) return [faulty(card.id, agent)];
  const wrong = whoseSeal(agent, 'agent', card.node);
  if (wrong !== undefined) return [faulty(card.id, wrong)];
  return { ...read, agent, first, authority };
}

/** Names of those who sealed it, as the seals say: for people, not for a judgement. */
export function signersOf(sealed: SealedCard | undefined): string[] {
  return (sealed?.seals ?? []).map(({ signer }) => signer);
}

/** The codes that a judgement of seals can have: what a second person's word overrides. */
export const SEAL_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'CARD_UNSEALED',
  'CARD_SEAL_INVALID',
  'SIGNER_UNTRUSTED',
  'SIGNER_REVOKED',
]);

function revokedAt(signer: string, signedMs: number, revocations: readonly Revocation[]): Revocation[] {
  return revocations
    .filter((each) => each.signer === signer && signedMs >= Date.parse(each.since))
    .slice(0, 1);
}

function whoseSeal({ identity }: SealedBy, role: Role, name?: string): SealFault | undefined {
  if (identity.role === role && (name === undefined || identity.name === name)) return undefined;
  const wanted = name === undefined ? `a ${role}’s` : `the ${role} ${name}’s`;
  return { code: 'SIGNER_UNTRUSTED', message: `the seal is ${identityUri(identity)}’s; ${wanted} is wanted` };
}

function faulty(snapshotId: string, { code, message }: SealFault): Refusal {
  return refusal(code, `${snapshotId}: ${message}`);
}
