import type { EncryptionPrefix } from './envelope.ts';
import type { JsonObject } from './stored-object.ts';

/** A stored value, decoded as far as can be. Nothing of it is dropped in silence. */
export type Decoded =
  | {
      readonly form: 'object';
      /**
       * As a real API server prints it, resourceVersion from the row included. An integer that no
       * JavaScript number holds exactly stands as the text of its digits.
       */
      readonly object: JsonObject;
      /** False: metadata is decoded, the rest stands as numbered fields under `fields`. */
      readonly described: boolean;
      readonly storedAs: 'protobuf' | 'json' | 'cbor';
      /**
       * Fields of described messages that the descriptions do not know (a newer Kubernetes', or put
       * there by hand): { "spec.containers[0]": { "99": … } }, "" for the object itself.
       */
      readonly unknownFields?: JsonObject;
      /** What it was encrypted with, where a key was given that opens it. */
      readonly decrypted?: EncryptionPrefix;
    }
  | { readonly form: 'encrypted'; readonly prefix: EncryptionPrefix; readonly why: string }
  /** No object: a counter, an allocation's bitmap, a value of somebody else. */
  | { readonly form: 'opaque'; readonly why: string };

/** Why there is no object, for people: of an encrypted value also what would open it. */
export function undecodedText(decoded: Exclude<Decoded, { form: 'object' }>): string {
  if (decoded.form === 'opaque') return decoded.why;
  const { provider, keyName } = decoded.prefix;
  return `encrypted by ${provider} with the key ${keyName}: ${decoded.why}`;
}

export interface DecodeContext {
  /** The whole etcd key, as latin1: aesgcm binds a value to it. */
  readonly key: string;
  readonly modRevision: number;
}
