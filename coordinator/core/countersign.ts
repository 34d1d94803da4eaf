import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/** Clocks that are further apart than this disagree; a seal is made within milliseconds. */
const MAX_CLOCK_DIFFERENCE_MS = 5 * 60_000;
/** From the first byte of a snapshot to its card; a store of 8 GB takes minutes. */
const MAX_SAVE_MS = 24 * 60 * 60_000;
/** An agent whose clock was set back dates a snapshot just after the one before. */
const MAX_TAKEN_AHEAD_MS = 15 * 60_000;

const SHA256 = /^[0-9a-f]{64}$/;

export interface Countersigned {
  readonly card: SnapshotCard;
  /** By the agent's own word. */
  readonly agentSignedMs: number;
  /** Who was asked for the snapshot, and of which cluster. */
  readonly node: string;
  readonly cluster: string;
  readonly nowMs: number;
}

/**
 * Why a coordinator does not put its seal beside an agent's; undefined where it does. It vouches
 * for what it saw itself: whom it asked, when, and that the card says which bytes it is of.
 */
export function whyNotCountersign({
  card,
  agentSignedMs,
  node,
  cluster,
  nowMs,
}: Countersigned): string | undefined {
  if (card.node !== node) return `${node} was asked; the card is of ${card.node}`;
  if (card.cluster !== cluster) return `the card is of cluster ${card.cluster}, not of ${cluster}`;
  const apartMs = Math.abs(agentSignedMs - nowMs);
  if (apartMs > MAX_CLOCK_DIFFERENCE_MS) {
    return `${node} signed at ${new Date(agentSignedMs).toISOString()}; here it is ${new Date(nowMs).toISOString()}`;
  }
  const takenMs = Date.parse(card.takenAt);
  if (!(takenMs >= nowMs - MAX_SAVE_MS && takenMs <= nowMs + MAX_TAKEN_AHEAD_MS)) {
    return `the card says that it was taken at ${card.takenAt}; here it is ${new Date(nowMs).toISOString()}`;
  }
  const { facts } = card;
  const isNamed = facts !== undefined && SHA256.test(facts.fileSha256) && SHA256.test(facts.contentSha256);
  if (!isNamed || facts.fileSizeBytes === 0n || facts.status === undefined) {
    return 'the card does not say which bytes it is of';
  }
  return undefined;
}
