import { refusal } from '../errors/lockstep-error.ts';
import type { Refusal } from '../generated/lockstep/v1/common.ts';
import { StoredCopy } from '../generated/lockstep/v1/snapshot.ts';
import { type Identity, identityUri } from '../tls/identity.ts';
import type { CarriedCard } from './card.ts';
import type { Trust } from './judge.ts';
import { type Authority, checkSeal, isFault, type SealFault } from './seal.ts';

/** What an agent signs of a copy. */
export function copyContent(copy: StoredCopy): unknown {
  return StoredCopy.toJSON({ ...copy, seal: undefined });
}

/**
 * Why what is said of a copy is nobody's word; empty where an agent of a known cluster sealed it.
 * Where not even the card is sealed there is nobody who could have. `content` is what the seal is
 * held against: the copy's JSON as it was read, without the seal. Whether the signer's word was
 * withdrawn later is not asked: the bytes are proven against the card, and that is judged. Never throws.
 */
export function judgeCopySeal(
  copy: StoredCopy,
  { sealed }: CarriedCard,
  { authorities }: Pick<Trust, 'authorities'>,
  content: unknown = copyContent(copy),
): Refusal[] {
  const { seal, snapshotId, store } = copy;
  const invalid = (why: string): Refusal[] => [
    refusal('COPY_SEAL_INVALID', `The copy of ${snapshotId} that was made in ${store}: ${why}.`),
  ];
  if (seal === undefined) {
    return (sealed?.seals.length ?? 0) === 0
      ? []
      : invalid('its card is sealed, and what is said of it is not');
  }
  const faults = authorities.map((authority) => sealedBy(copy, content, authority));
  if (faults.includes(undefined)) return [];
  // Of several clusters’ CAs, the one of the cluster that the seal names says why.
  const own = faults.find((fault) => fault?.code === 'CARD_SEAL_INVALID') ?? faults[0];
  return invalid(own?.message ?? 'no CA is known here');
}

function sealedBy({ seal }: StoredCopy, content: unknown, authority: Authority): SealFault | undefined {
  if (seal === undefined) return { code: 'CARD_SEAL_INVALID', message: 'it bears no seal' };
  const checked = checkSeal('stored-copy', content, seal, authority);
  return isFault(checked) ? checked : whoseFault(checked.identity);
}

/** A coordinator streams copies and makes none. */
function whoseFault(identity: Identity): SealFault | undefined {
  if (identity.role === 'agent') return undefined;
  return {
    code: 'SIGNER_UNTRUSTED',
    message: `the seal is ${identityUri(identity)}’s; an agent’s is wanted`,
  };
}
