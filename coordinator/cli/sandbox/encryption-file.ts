import type {
  EncryptionConfiguration,
  Provider,
} from '@lockstep/shared/kubernetes/encryption-configuration.ts';

/** For an API server that asks nobody: what it takes, and what had to be left out. */
export interface SandboxEncryption {
  /** An EncryptionConfiguration, with its keys. */
  readonly text: string;
  /** KMS plugins, by name: what they encrypted stays closed. */
  readonly leftOut: readonly string[];
}

/**
 * The providers in their order; a KMS plugin would be asked over a socket, so it is left out. What
 * was stored plain stays readable.
 */
export function sandboxEncryption({ rules }: EncryptionConfiguration): SandboxEncryption {
  const plugins = rules.flatMap(({ providers }) =>
    providers.filter(({ provider }) => provider === 'kms').map(({ pluginName }) => pluginName),
  );
  return { text: `${JSON.stringify(document(rules))}\n`, leftOut: [...new Set(plugins)] };
}

function document(rules: EncryptionConfiguration['rules']): object {
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: rules.map(({ resources, providers }) => {
      const own = providers.filter(({ provider }) => provider !== 'kms').map(providerOf);
      const readsPlain = providers.some(({ provider }) => provider === 'identity');
      return { resources, providers: readsPlain ? own : [...own, { identity: {} }] };
    }),
  };
}

function providerOf({ provider, keys }: Provider): object {
  if (provider === 'identity') return { identity: {} };
  return {
    [provider]: { keys: keys.map(({ name, secret }) => ({ name, secret: secret.toString('base64') })) },
  };
}
