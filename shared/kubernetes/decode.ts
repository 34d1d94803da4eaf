import { parseCbor } from './cbor.ts';
import type { DecodeContext, Decoded } from './decoded.ts';
import { Descriptions } from './description.ts';
import { TABLES } from './descriptions/tables.ts';
import { openValue } from './encryption.ts';
import type { EncryptionConfiguration } from './encryption-configuration.ts';
import { type EncryptionPrefix, type Envelope, sniff } from './envelope.ts';
import type { Json } from './json-object.ts';
import { parseJson } from './json-value.ts';
import { MessageReader } from './message-reader.ts';
import { numberedFields, unknownFields } from './numbered-fields.ts';
import { completeClaimTemplates, withResourceVersion } from './served.ts';
import { at, type JsonObject } from './stored-object.ts';
import { WireMessage } from './wire.ts';
import { Malformed } from './wire-cursor.ts';

export interface DecoderOptions {
  readonly encryption?: EncryptionConfiguration;
  /** Where not told, the first segment of each key. */
  readonly registryPrefix?: string;
}

type ProtobufEnvelope = Extract<Envelope, { form: 'protobuf' }>;

/**
 * Decodes what kube-apiserver stores: protobuf, JSON and CBOR, encrypted or not. Made once and
 * used for any number of values; making one takes some milliseconds. Never throws: what cannot be
 * decoded says why.
 */
export class Decoder {
  readonly #descriptions = new Descriptions(TABLES);
  readonly #reader = new MessageReader();
  readonly #encryption: EncryptionConfiguration | undefined;
  readonly #registryPrefix: string | undefined;

  constructor(options: DecoderOptions = {}) {
    this.#encryption = options.encryption;
    this.#registryPrefix = options.registryPrefix;
  }

  decode(value: Uint8Array, context: DecodeContext): Decoded {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const envelope = sniff(bytes);
    if (envelope.form !== 'encrypted') return this.#plain(bytes, envelope, context);
    const { prefix } = envelope;
    if (this.#encryption === undefined) return encrypted(prefix, 'no EncryptionConfiguration was given');
    // aesgcm binds the value to the key's bytes, which the key as text stands for.
    const key = Buffer.from(context.key, 'latin1').toString('utf8');
    const opened = openValue(this.#encryption, key, bytes, this.#registryPrefix);
    if (opened.outcome !== 'opened') return encrypted(prefix, WHY_CLOSED[opened.outcome]);
    const plain = Buffer.from(opened.plain);
    const inner = sniff(plain);
    if (inner.form === 'encrypted') return encrypted(inner.prefix, 'it is encrypted twice');
    const decoded = this.#plain(plain, inner, context);
    return decoded.form === 'object' ? { ...decoded, decrypted: prefix } : decoded;
  }

  #plain(bytes: Buffer, envelope: Exclude<Envelope, { form: 'encrypted' }>, context: DecodeContext): Decoded {
    switch (envelope.form) {
      case 'protobuf':
        return this.#protobuf(envelope, context);
      case 'json':
        return named(parseJson(bytes.toString('utf8')), 'json', context);
      case 'cbor':
        try {
          return named(parseCbor(bytes), 'cbor', context);
        } catch (thrown) {
          return opaque(`CBOR that cannot be read: ${reasonOf(thrown)}`);
        }
      default:
        return opaque(bytes.length === 0 ? 'it is empty' : 'it is in no form that kube-apiserver stores');
    }
  }

  #protobuf({ apiVersion, kind, raw }: ProtobufEnvelope, { modRevision }: DecodeContext): Decoded {
    const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
    const message = this.#descriptions.kind(apiVersion, kind);
    if (message === undefined) return this.#undescribed(apiVersion, kind, bytes, modRevision);
    try {
      const object = this.#reader.read(bytes, message, String(modRevision), { kind, apiVersion });
      completeClaimTemplates(object);
      const decoded: Decoded = { form: 'object', object, described: true, storedAs: 'protobuf' };
      if (!this.#reader.metUnknownFields) return decoded;
      return { ...decoded, unknownFields: unknownFields(bytes, message) };
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      return this.#undescribed(apiVersion, kind, bytes, modRevision);
    }
  }

  /** Nearly every kind has its metadata in field 1; the rest stands by number. */
  #undescribed(apiVersion: string, kind: string, bytes: Buffer, modRevision: number): Decoded {
    const fields = numberedFields(bytes);
    if (fields === undefined)
      return opaque(`a ${kind || 'value'} of ${apiVersion || 'no version'} that is no protobuf`);
    const metadata = this.#metadata(bytes, modRevision);
    if (metadata !== undefined) delete fields['1'];
    const object = { kind, apiVersion, ...(metadata?.object && { metadata: metadata.object }), fields };
    const decoded: Decoded = { form: 'object', object, described: false, storedAs: 'protobuf' };
    return metadata?.unknownFields === undefined
      ? decoded
      : { ...decoded, unknownFields: metadata.unknownFields };
  }

  #metadata(
    bytes: Buffer,
    modRevision: number,
  ): { readonly object: Json; readonly unknownFields?: JsonObject } | undefined {
    const parts = WireMessage.parse(bytes)?.allBytes(1) ?? [];
    const [part] = parts;
    if (part === undefined || parts.length > 1) return undefined;
    const raw = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const { objectMeta } = this.#descriptions;
    try {
      const object = this.#reader.read(raw, objectMeta, String(modRevision));
      if (object['name'] === undefined) return undefined;
      if (!this.#reader.metUnknownFields) return { object };
      return { object, unknownFields: unknownFields(raw, objectMeta, 'metadata') };
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      return undefined;
    }
  }
}

const WHY_CLOSED = {
  'wrong-key': 'the configured key of that name is another one, or the value is damaged',
  'no-such-key': 'the EncryptionConfiguration has no such key for this resource',
  'cannot-tell': 'its key is with a KMS',
} as const;

function named(json: unknown, storedAs: 'json' | 'cbor', { modRevision }: DecodeContext): Decoded {
  if (json === undefined) return opaque('it looks like JSON and is none, or is nested too deep');
  if (typeof at(json, 'kind') !== 'string' || typeof at(json, 'apiVersion') !== 'string') {
    return opaque(`${storedAs.toUpperCase()} that names no kind`);
  }
  const object = withResourceVersion(json as Json, modRevision);
  return { form: 'object', object, described: true, storedAs };
}

function encrypted(prefix: EncryptionPrefix, why: string): Decoded {
  return { form: 'encrypted', prefix, why };
}

function opaque(why: string): Decoded {
  return { form: 'opaque', why };
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Malformed)) throw thrown;
  return thrown.message;
}
