import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  Revocation,
  Seal,
  SealedCard,
  SigningReport,
  SnapshotCard,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { CarriedCard } from '@lockstep/shared/seal/card.ts';
import { judgeSeals, sealCard, type Trust } from '@lockstep/shared/seal/judge.ts';
import type { RevocationFile } from '@lockstep/shared/seal/revocation-file.ts';
import { isGenuine } from '@lockstep/shared/seal/revocations.ts';
import { makeSeal, type SealPurpose, type SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import {
  readAuthorities,
  readAuthority,
  readSigningIdentity,
  reportSigning,
  type SigningFiles,
} from '@lockstep/shared/seal/signing-files.ts';

export interface SealingSettings {
  readonly cluster: string;
  readonly node: string;
  /** Real paths. */
  readonly signing: SigningFiles;
  readonly caFile: string;
  readonly revocations: RevocationFile;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
}

/** What this node signs, and whom it believes. Files are read anew each time: they may be renewed. */
export class AgentSealing {
  readonly #settings: SealingSettings;

  constructor(settings: SealingSettings) {
    this.#settings = settings;
  }

  /** With this node's seal; as it is where the node has no key: a snapshot is taken nevertheless. */
  async seal(card: SnapshotCard): Promise<CarriedCard> {
    const { clock, logger } = this.#settings;
    const unsealed = { card, sealed: undefined };
    try {
      return { card, sealed: sealCard(unsealed, await this.#identity(), clock.nowMs()) };
    } catch (thrown) {
      const { code, message } = toFailure(thrown);
      logger.warn({ snapshotId: card.id, code, reason: message }, 'the card is not sealed');
      return unsealed;
    }
  }

  /** A seal over anything else that this node vouches for. Throws SIGNING_IDENTITY_MISSING. */
  async sealContent(purpose: SealPurpose, content: unknown): Promise<Seal> {
    return makeSeal(purpose, content, await this.#identity(), this.#settings.clock.nowMs());
  }

  /** Why the card is not trusted; empty where it is. Throws CONFIG_INVALID, REVOCATIONS_UNREADABLE. */
  async judge(sealed: SealedCard | undefined): Promise<Refusal[]> {
    return judgeSeals(sealed, await this.trust());
  }

  async trust(): Promise<Trust> {
    const { cluster, caFile, revocations } = this.#settings;
    const [authorities, known] = await Promise.all([readAuthorities(cluster, caFile), revocations.read()]);
    return { authorities, revocations: known };
  }

  revocations(): Promise<Revocation[]> {
    return this.#settings.revocations.read();
  }

  /** Takes what coordinators of this cluster have sealed; answers with all that is known. Throws SIGNER_UNTRUSTED. */
  async addRevocations(revocations: readonly Revocation[]): Promise<Revocation[]> {
    const { cluster, caFile, node } = this.#settings;
    const authority = await readAuthority(cluster, caFile);
    const forged = revocations.find((each) => !isGenuine(each, authority));
    if (forged !== undefined) {
      throw new LockstepError('SIGNER_UNTRUSTED', {
        node,
        message: `The revocation of ${forged.signer} bears no seal of a coordinator of ${cluster}.`,
      });
    }
    return this.#settings.revocations.add(revocations);
  }

  report(): Promise<SigningReport> {
    const { cluster, node, signing, clock } = this.#settings;
    return reportSigning(signing, { cluster, role: 'agent', name: node }, clock.nowMs());
  }

  #identity(): Promise<SigningIdentity> {
    const { cluster, node, signing, clock } = this.#settings;
    return readSigningIdentity(signing, { cluster, role: 'agent', name: node }, clock.nowMs());
  }
}
