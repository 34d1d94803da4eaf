import { stringify } from 'yaml';
import type { KeyPair } from '../pki/certificates.ts';

/** A kubeconfig as kubeadm writes it: everything inline. Holds a key. */
export function kubeconfig(options: {
  readonly server: string;
  readonly caCertificate: string;
  readonly user: string;
  readonly pair: KeyPair;
}): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const { server, caCertificate, user, pair } = options;
  const context = `${user}@kubernetes`;
  return stringify(
    {
      apiVersion: 'v1',
      clusters: [
        { cluster: { 'certificate-authority-data': base64(caCertificate), server }, name: 'kubernetes' },
      ],
      contexts: [{ context: { cluster: 'kubernetes', user }, name: context }],
      'current-context': context,
      kind: 'Config',
      preferences: {},
      users: [
        {
          name: user,
          user: { 'client-certificate-data': base64(pair.certificate), 'client-key-data': base64(pair.key) },
        },
      ],
    },
    { lineWidth: 0 },
  );
}
