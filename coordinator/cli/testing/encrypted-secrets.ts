import { type SealingKey, sealValue } from '@lockstep/shared/kubernetes/testing/seal-value.ts';
import { stringify } from 'yaml';
import { secret } from './night.ts';

export const PROVIDERS = ['aescbc', 'aesgcm', 'secretbox'] as const;
type ProviderName = (typeof PROVIDERS)[number];

/** One key of each provider. */
const KEYS: Readonly<Record<ProviderName, SealingKey>> = {
  aescbc: { name: 'key-2024', secret: Buffer.alloc(32, 0xa1) },
  aesgcm: { name: 'key-2025', secret: Buffer.alloc(32, 0xb2) },
  secretbox: { name: 'key-2026', secret: Buffer.alloc(32, 0xc3) },
};

export const BEFORE = 'before the night';
export const AFTER = 'known to the intruder';

export interface Write {
  readonly key: string;
  readonly value: Buffer;
}

export function secretKey(provider: ProviderName): string {
  return `/registry/secrets/team-01/${provider}`;
}

/** A secret of each provider, written, and written again by an intruder; and one that nobody encrypted. */
export function* encryptedSecrets(): Generator<Write> {
  for (const [round, password] of [BEFORE, AFTER].entries()) {
    for (const provider of PROVIDERS) {
      const by =
        round === 0
          ? ([['helm', '09:05:00', 'f:data', 'f:type']] as const)
          : ([
              ['helm', '09:05:00', 'f:data', 'f:type'],
              ['kubectl-edit', '10:41:05', 'f:data'],
            ] as const);
      const plain = Buffer.from(JSON.stringify(secret(password, by, provider)));
      const key = secretKey(provider);
      yield { key, value: sealValue[provider](plain, KEYS[provider], round + 1, key) };
    }
  }
  const plain = secret('in the clear', [['kubectl-create', '10:41:30', 'f:data']], 'plain');
  yield { key: '/registry/secrets/team-01/plain', value: Buffer.from(JSON.stringify(plain)) };
}

/** kube-apiserver's EncryptionConfiguration; another secret under each name where it is to be the wrong one. */
export function encryptionConfiguration({ wrong = false } = {}): string {
  return stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      {
        resources: ['secrets'],
        providers: [
          ...PROVIDERS.map((provider) => {
            const { name, secret: bytes } = KEYS[provider];
            const given = wrong ? Buffer.alloc(32, 0xdd) : bytes;
            return { [provider]: { keys: [{ name, secret: given.toString('base64') }] } };
          }),
          { identity: {} },
        ],
      },
    ],
  });
}

export function keyNameOf(provider: ProviderName): string {
  return KEYS[provider].name;
}
