import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { EncryptionKeyReport } from '../generated/lockstep/v1/node.ts';
import type { GroupResource } from './storage-key.ts';

export type ProviderName = 'aescbc' | 'aesgcm' | 'secretbox' | 'kms' | 'identity';

export interface EncryptionKey {
  readonly name: string;
  /** Raw bytes. Never leaves this process. */
  readonly secret: Buffer;
}

export interface Provider {
  readonly provider: ProviderName;
  /** Empty for kms and identity. */
  readonly keys: readonly EncryptionKey[];
  /** The plugin's name; kms only. */
  readonly pluginName: string;
}

export interface ResourceRule {
  /** "secrets", "deployments.apps", "*.apps", "*.", "*.*". */
  readonly resources: readonly string[];
  /** In order of trial. */
  readonly providers: readonly Provider[];
}

/** kube-apiserver's EncryptionConfiguration. */
export interface EncryptionConfiguration {
  readonly rules: readonly ResourceRule[];
}

const keysSchema = z.object({
  keys: z.array(z.object({ name: z.string().min(1), secret: z.base64() })).min(1),
});

const providerSchema = z
  .object({
    aescbc: keysSchema.optional(),
    aesgcm: keysSchema.optional(),
    secretbox: keysSchema.optional(),
    kms: z.object({ name: z.string().min(1) }).optional(),
    identity: z.unknown().optional(),
  })
  .refine((provider) => Object.keys(provider).length === 1, 'exactly one provider is wanted');

const configurationSchema = z.object({
  // "EncryptionConfig" of "v1" before 1.13, still accepted by kube-apiserver.
  kind: z.enum(['EncryptionConfiguration', 'EncryptionConfig']),
  resources: z
    .array(
      z.object({ resources: z.array(z.string().min(1)).min(1), providers: z.array(providerSchema).min(1) }),
    )
    .default([]),
});

const KEY_LENGTHS: Readonly<Record<'aescbc' | 'aesgcm' | 'secretbox', readonly number[]>> = {
  aescbc: [16, 24, 32],
  aesgcm: [16, 24, 32],
  secretbox: [32],
};

/**
 * Throws CONFIG_INVALID. The message names the field and never quotes the text: it holds secrets,
 * which is also why no cause travels with it.
 */
export function parseEncryptionConfiguration(yaml: string): EncryptionConfiguration {
  let document: unknown;
  try {
    // Not 'silent': with that the library takes what it could read of a broken text for the whole.
    document = parse(yaml, { prettyErrors: false, logLevel: 'error' });
  } catch {
    throw invalid('it is no YAML');
  }
  const parsed = configurationSchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') || 'the document'} is not as kube-apiserver wants it`);
  }
  return {
    rules: parsed.data.resources.map((rule) => ({
      resources: rule.resources,
      providers: rule.providers.map(toProvider),
    })),
  };
}

function toProvider(provider: z.infer<typeof providerSchema>): Provider {
  for (const name of ['aescbc', 'aesgcm', 'secretbox'] as const) {
    const configured = provider[name];
    if (configured === undefined) continue;
    const keys = configured.keys.map((key) => ({
      name: key.name,
      secret: Buffer.from(key.secret, 'base64'),
    }));
    for (const key of keys) {
      if (!KEY_LENGTHS[name].includes(key.secret.length)) {
        throw invalid(`the ${name} key ${key.name} has ${key.secret.length} bytes`);
      }
    }
    return { provider: name, keys, pluginName: '' };
  }
  if (provider.kms !== undefined) return { provider: 'kms', keys: [], pluginName: provider.kms.name };
  return { provider: 'identity', keys: [], pluginName: '' };
}

function invalid(what: string): LockstepError {
  return new LockstepError('CONFIG_INVALID', {
    message: `The EncryptionConfiguration is not valid: ${what}.`,
  });
}

/** The first rule that names the resource; undefined: it is stored plain. */
export function ruleFor(config: EncryptionConfiguration, of: GroupResource): ResourceRule | undefined {
  return config.rules.find((rule) => rule.resources.some((pattern) => matches(pattern, of)));
}

function matches(pattern: string, of: GroupResource): boolean {
  if (pattern === '*.*') return true;
  // "*." is every resource of the core group.
  if (pattern.startsWith('*.')) return pattern.slice(2) === of.group;
  const dot = pattern.indexOf('.');
  const resource = dot < 0 ? pattern : pattern.slice(0, dot);
  const group = dot < 0 ? '' : pattern.slice(dot + 1);
  return resource === of.resource && group === of.group;
}

/** Each configured key once, in order of trial: equal on two nodes exactly if provider, name and secret are. */
export function fingerprints(config: EncryptionConfiguration): EncryptionKeyReport[] {
  const reports = new Map<string, EncryptionKeyReport>();
  const add = (provider: ProviderName, keyName: string, secret: Uint8Array) => {
    const fingerprintSha256 = fingerprint(provider, keyName, secret);
    reports.set(`${provider}:${keyName}:${fingerprintSha256}`, { provider, keyName, fingerprintSha256 });
  };
  for (const { provider, keys, pluginName } of config.rules.flatMap((rule) => rule.providers)) {
    if (keys.length === 0) add(provider, pluginName, new Uint8Array());
    for (const key of keys) add(provider, key.name, key.secret);
  }
  return [...reports.values()];
}

function fingerprint(provider: string, keyName: string, secret: Uint8Array): string {
  const hash = createHash('sha256');
  for (const part of [Buffer.from(provider), Buffer.from(keyName), secret]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  }
  return hash.digest('hex');
}
