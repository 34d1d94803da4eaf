import { Unknown } from '@lockstep/shared/generated/kubernetes/runtime/runtime.ts';

/** Before every value that kube-apiserver stores as protobuf. */
const MAGIC = Buffer.from('k8s\0');

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The message of the kind. */
  readonly raw: Uint8Array;
}

export function isEnvelope(value: Uint8Array): boolean {
  return value.length >= MAGIC.length && MAGIC.equals(value.subarray(0, MAGIC.length));
}

export function seal({ apiVersion, kind, raw }: Envelope): Buffer {
  const body = Unknown.encode({
    typeMeta: { apiVersion, kind },
    raw: Buffer.from(raw),
    contentEncoding: '',
    contentType: '',
  }).finish();
  return Buffer.concat([MAGIC, body]);
}

/** Throws where the value is no envelope. */
export function open(value: Uint8Array): Envelope {
  if (!isEnvelope(value)) throw new Error('the value is not stored as protobuf');
  const { typeMeta, raw } = Unknown.decode(value.subarray(MAGIC.length));
  return { apiVersion: typeMeta?.apiVersion ?? '', kind: typeMeta?.kind ?? '', raw };
}
