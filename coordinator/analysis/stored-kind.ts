import { sniff } from '@lockstep/shared/kubernetes/envelope.ts';
import { decodeStored } from '@lockstep/shared/kubernetes/stored-object.ts';

/** How a value is stored and of which kind it is, as far as its envelope says: nothing more is decoded. */
export interface StoredKind {
  readonly storedAs: 'protobuf' | 'json' | 'cbor' | 'encrypted' | 'opaque';
  /** "Pod"; empty where the envelope does not say. */
  readonly kind: string;
  /** "aescbc key1"; empty where it is not encrypted. */
  readonly encryption: string;
}

export function storedKind(value: Uint8Array): StoredKind {
  const envelope = sniff(value);
  switch (envelope.form) {
    case 'protobuf':
      return { storedAs: 'protobuf', kind: envelope.kind, encryption: '' };
    case 'json':
      return { storedAs: 'json', kind: decodeStored(value)?.kind ?? '', encryption: '' };
    case 'encrypted': {
      const { provider, keyName } = envelope.prefix;
      return { storedAs: 'encrypted', kind: '', encryption: `${provider} ${keyName}` };
    }
    case 'cbor':
      return { storedAs: 'cbor', kind: '', encryption: '' };
    default:
      return { storedAs: 'opaque', kind: '', encryption: '' };
  }
}
