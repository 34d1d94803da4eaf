import type { ApiServerReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { fingerprints, parseEncryptionConfiguration } from '@lockstep/shared/kubernetes/encryption.ts';

import type { HostFiles } from '../../adapters/host-files.ts';
import type { ApiServerSettings } from '../api-server-settings.ts';
import { certificateFingerprint, publicKeyFingerprints } from './fingerprints.ts';
import type { InspectionNotes } from './inspection-notes.ts';

export interface ApiServerInspection {
  readonly settings: ApiServerSettings;
  readonly clusterCaFile: string | undefined;
  readonly files: HostFiles;
  readonly notes: InspectionNotes;
  readonly ready: (signal: AbortSignal) => Promise<boolean>;
}

/** The API server's flags and the public parts of its keys. Of a secret only its fingerprint leaves this function. */
export async function inspectApiServer(
  { settings, clusterCaFile, files, notes, ready }: ApiServerInspection,
  signal: AbortSignal,
): Promise<ApiServerReport> {
  const [clusterCaSha256, serviceAccountKeySha256, encryptionKeys, isReady] = await Promise.all([
    notes.attempt("the cluster's CA", '', async () =>
      clusterCaFile === undefined ? '' : certificateFingerprint(await files.read(clusterCaFile, signal)),
    ),
    notes.attempt('the service account keys', [], async () => {
      const keys = settings.serviceAccountKeyFiles.map(async (path) =>
        publicKeyFingerprints(await files.read(path, signal)),
      );
      return [...new Set((await Promise.all(keys)).flat())].sort();
    }),
    notes.attempt('the EncryptionConfiguration', [], async () => {
      if (settings.encryptionConfigFile === undefined) return [];
      const text = await files.read(settings.encryptionConfigFile, signal);
      return fingerprints(parseEncryptionConfiguration(text.toString('utf8')));
    }),
    ready(signal),
  ]);
  return {
    etcdServers: [...settings.etcdServers],
    etcdServersOverrides: [...settings.etcdServersOverrides],
    etcdPrefix: settings.etcdPrefix,
    advertiseAddress: settings.advertiseAddress,
    securePort: settings.securePort,
    version: settings.version,
    clusterCaSha256,
    serviceAccountKeySha256,
    encryptionKeys,
    ready: isReady,
  };
}
