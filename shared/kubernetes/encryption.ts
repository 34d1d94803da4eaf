import { createDecipheriv } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import {
  type EncryptionConfiguration,
  type EncryptionKey,
  fingerprints,
  parseEncryptionConfiguration,
  ruleFor,
} from './encryption-configuration.ts';
import { encryptionPrefix, sniff } from './envelope.ts';
import { groupResourceOf, parseStorageKey } from './storage-key.ts';

export { fingerprints, parseEncryptionConfiguration };

export type Opened =
  | { readonly outcome: 'opened'; readonly plain: Uint8Array }
  /** A key of that name is configured, and it is another key. */
  | { readonly outcome: 'wrong-key' }
  | { readonly outcome: 'no-such-key' }
  /** KMS: the key is elsewhere. */
  | { readonly outcome: 'cannot-tell' };

const CBC_IV_BYTES = 16;
const CBC_BLOCK_BYTES = 16;
const GCM_NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
const SECRETBOX_NONCE_BYTES = 24;
const SECRETBOX_TAG_BYTES = 16;

/**
 * Opens a stored value as kube-apiserver would: with the providers of the first rule that names
 * the key's resource. A value that is not encrypted is opened as it is. `key` is the whole etcd
 * key: it is part of what aesgcm authenticates. Without `registryPrefix`, the first segment of
 * the key is taken for it.
 */
export function openValue(
  config: EncryptionConfiguration,
  key: string,
  value: Uint8Array,
  registryPrefix = firstSegment(key),
): Opened {
  const prefix = encryptionPrefix(value);
  if (prefix === undefined) return { outcome: 'opened', plain: value };
  const storageKey = parseStorageKey(key, registryPrefix);
  const rule = ruleFor(config, groupResourceOf(storageKey?.resource ?? ''));
  const providers = rule?.providers.filter(({ provider }) => provider === prefix.provider) ?? [];
  if (prefix.provider === 'kms') {
    const known = providers.some(({ pluginName }) => pluginName === prefix.keyName);
    return { outcome: known ? 'cannot-tell' : 'no-such-key' };
  }
  const keys = providers.flatMap(({ keys }) => keys).filter(({ name }) => name === prefix.keyName);
  if (keys.length === 0) return { outcome: 'no-such-key' };
  const sealed = value.subarray(prefix.lengthBytes);
  for (const candidate of keys) {
    const plain = decrypt(prefix.provider, candidate, sealed, key);
    // aescbc authenticates nothing: one wrong key in 256 leaves a padding that looks right, so
    // what comes out must also look like an object.
    if (plain !== undefined && (prefix.provider !== 'aescbc' || sniff(plain).form !== 'unknown')) {
      return { outcome: 'opened', plain };
    }
  }
  return { outcome: 'wrong-key' };
}

function decrypt(
  provider: string,
  key: EncryptionKey,
  sealed: Uint8Array,
  etcdKey: string,
): Uint8Array | undefined {
  try {
    switch (provider) {
      case 'aescbc':
        return openCbc(key.secret, sealed);
      case 'aesgcm':
        return openGcm(key.secret, sealed, etcdKey);
      case 'secretbox':
        return openSecretbox(key.secret, sealed);
      default:
        return undefined;
    }
  } catch {
    // Padding or tag: the key is another one, or the value is damaged. Neither opens.
    return undefined;
  }
}

function openCbc(secret: Buffer, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < CBC_IV_BYTES + CBC_BLOCK_BYTES || sealed.length % CBC_BLOCK_BYTES !== 0)
    return undefined;
  const decipher = createDecipheriv(`aes-${secret.length * 8}-cbc`, secret, sealed.subarray(0, CBC_IV_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(CBC_IV_BYTES)), decipher.final()]);
}

function openGcm(secret: Buffer, sealed: Uint8Array, etcdKey: string): Uint8Array | undefined {
  if (sealed.length < GCM_NONCE_BYTES + GCM_TAG_BYTES) return undefined;
  const name = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm';
  const decipher = createDecipheriv(name, secret, sealed.subarray(0, GCM_NONCE_BYTES));
  decipher.setAAD(Buffer.from(etcdKey));
  decipher.setAuthTag(sealed.subarray(sealed.length - GCM_TAG_BYTES));
  const body = sealed.subarray(GCM_NONCE_BYTES, sealed.length - GCM_TAG_BYTES);
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

function openSecretbox(secret: Buffer, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SECRETBOX_NONCE_BYTES + SECRETBOX_TAG_BYTES) return undefined;
  const nonce = sealed.subarray(0, SECRETBOX_NONCE_BYTES);
  return xsalsa20poly1305(secret, nonce).decrypt(sealed.subarray(SECRETBOX_NONCE_BYTES));
}

function firstSegment(key: string): string {
  const slash = key.indexOf('/', 1);
  return slash < 0 ? key : key.slice(0, slash);
}
