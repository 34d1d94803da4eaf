import { RevocationFile } from '@lockstep/shared/seal/revocation-file.ts';
import {
  readAuthorities,
  readSigningIdentity,
  reportSigning,
  signingFilesBeside,
} from '@lockstep/shared/seal/signing-files.ts';
import type { CoordinatorConfig } from '../config.ts';
import type { SealingMeans } from '../runner/sealing.ts';

/** Key, certificates and revocations, in the files that the configuration names. */
export function signingFiles(
  { cluster, id, tls, signing, stateDir }: CoordinatorConfig,
  nowMs: () => number,
): SealingMeans {
  const files = signing ?? signingFilesBeside(tls.certFile);
  const self = { cluster, role: 'coordinator', name: id } as const;
  return {
    identity: () => readSigningIdentity(files, self, nowMs()),
    authorities: () => readAuthorities(cluster, tls.caFile),
    report: () => reportSigning(files, self, nowMs()),
    revocations: new RevocationFile(stateDir),
  };
}
