import { WireMessage } from './wire.ts';

/** How kube-apiserver has written a value. */
export type Envelope =
  | {
      readonly form: 'protobuf';
      readonly apiVersion: string;
      readonly kind: string;
      readonly raw: Uint8Array;
    }
  | { readonly form: 'json' }
  | { readonly form: 'cbor' }
  | { readonly form: 'encrypted'; readonly prefix: EncryptionPrefix }
  | { readonly form: 'unknown' };

/** "k8s:enc:aescbc:v1:key1:", taken apart. */
export interface EncryptionPrefix {
  /** aescbc, aesgcm, secretbox, kms. */
  readonly provider: string;
  /** "v1", "v2". */
  readonly version: string;
  /** The key's name; for kms the plugin's. */
  readonly keyName: string;
  /** Bytes before what is encrypted. */
  readonly lengthBytes: number;
}

const PROTOBUF_MAGIC = Buffer.from('k8s\0', 'latin1');
const ENCRYPTED_MAGIC = Buffer.from('k8s:enc:', 'latin1');
const CBOR_MAGIC = Buffer.from([0xd9, 0xd9, 0xf7]);
const OPEN_BRACE = 0x7b;
const COLON = 0x3a;
/** Longest prefix that is looked for: names of keys and plugins are short. */
const MAX_PREFIX_BYTES = 512;

export function sniff(value: Uint8Array): Envelope {
  if (startsWith(value, PROTOBUF_MAGIC)) {
    // runtime.Unknown: 1 typeMeta { 1 apiVersion, 2 kind }, 2 raw.
    const unknown = WireMessage.parse(value.subarray(PROTOBUF_MAGIC.length));
    const type = unknown?.message(1);
    if (unknown === undefined) return { form: 'unknown' };
    return {
      form: 'protobuf',
      apiVersion: type?.text(1) ?? '',
      kind: type?.text(2) ?? '',
      raw: unknown.bytes(2) ?? new Uint8Array(),
    };
  }
  const prefix = encryptionPrefix(value);
  if (prefix !== undefined) return { form: 'encrypted', prefix };
  if (startsWith(value, CBOR_MAGIC)) return { form: 'cbor' };
  return value[0] === OPEN_BRACE ? { form: 'json' } : { form: 'unknown' };
}

export function isEncrypted(value: Uint8Array): boolean {
  return startsWith(value, ENCRYPTED_MAGIC);
}

/** Provider, version and key name end in a colon each; undefined where the value is not encrypted. */
export function encryptionPrefix(value: Uint8Array): EncryptionPrefix | undefined {
  if (!isEncrypted(value)) return undefined;
  const parts: string[] = [];
  let from = ENCRYPTED_MAGIC.length;
  for (let at = from; at < Math.min(value.length, MAX_PREFIX_BYTES) && parts.length < 3; at++) {
    if (value[at] !== COLON) continue;
    parts.push(Buffer.from(value.subarray(from, at)).toString('utf8'));
    from = at + 1;
  }
  const [provider, version, keyName] = parts;
  if (provider === undefined || version === undefined || keyName === undefined) return undefined;
  return { provider, version, keyName, lengthBytes: from };
}

function startsWith(value: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, index) => value[index] === byte);
}
