import type {
  DeepPartial,
  MessageFns,
  ObjectMeta,
} from '@lockstep/shared/generated/kubernetes/meta/v1/meta.ts';
import { seal } from '../../lab/api-server/envelope.ts';
import { KINDS, type KindName, type MessageOf } from '../../lab/api-server/kinds.ts';
import type { Random } from './random.ts';

/** One key and its value, as kube-apiserver stores it. */
export interface Entry {
  readonly key: string;
  readonly value: Buffer;
}

/** 1 September 2026, 00:00 UTC. Fixed, so that the same seed makes the same bytes. */
const EPOCH_SECONDS = 1_788_220_800;
const DAY_SECONDS = 86_400;

type Partial<K extends KindName> = Omit<DeepPartial<MessageOf<K>>, 'metadata'>;

/** A built-in kind: protobuf in its envelope. */
export function builtIn<K extends KindName>(kind: K, metadata: ObjectMeta, fields: Partial<K>): Entry {
  const { apiVersion, storedUnder } = KINDS[kind];
  const message = KINDS[kind].message as unknown as MessageFns<MessageOf<K>>;
  const raw = message.encode(message.fromPartial({ ...fields, metadata } as never)).finish();
  return { key: keyOf(storedUnder, metadata), value: seal({ apiVersion, kind, raw }) };
}

/** What kube-apiserver stores as JSON: custom resources, and the definitions of them. */
export function jsonObject(
  storedUnder: string,
  metadata: { readonly name: string; readonly namespace?: string },
  object: Readonly<Record<string, unknown>>,
): Entry {
  return { key: keyOf(storedUnder, metadata), value: Buffer.from(`${JSON.stringify(object)}\n`) };
}

export interface MetaOptions {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner?: { readonly kind: string; readonly apiVersion: string; readonly metadata: ObjectMeta };
  readonly manager?: string;
  readonly apiVersion?: string;
}

/** Metadata as the API server fills it in: uid, time, and who wrote which fields. */
export function objectMeta(random: Random, options: MetaOptions): ObjectMeta {
  const time = (): ObjectMeta['creationTimestamp'] => ({
    seconds: BigInt(EPOCH_SECONDS - random.integer(1, 200 * DAY_SECONDS)),
    nanos: 0,
  });
  const labels = options.labels ?? {};
  return {
    name: options.name,
    generateName: '',
    namespace: options.namespace ?? '',
    uid: random.uuid(),
    resourceVersion: '',
    generation: 1n,
    creationTimestamp: time(),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: 0n,
    labels: { ...labels },
    annotations: { ...options.annotations },
    ownerReferences:
      options.owner === undefined
        ? []
        : [
            {
              apiVersion: options.owner.apiVersion,
              kind: options.owner.kind,
              name: options.owner.metadata.name,
              uid: options.owner.metadata.uid,
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
    finalizers: [],
    managedFields: [
      {
        manager: options.manager ?? 'kubectl-client-side-apply',
        operation: 'Update',
        apiVersion: options.apiVersion ?? 'v1',
        time: time(),
        fieldsType: 'FieldsV1',
        fieldsV1: { Raw: Buffer.from(JSON.stringify(managedFields(labels))) },
        subresource: '',
      },
    ],
  };
}

function managedFields(labels: Readonly<Record<string, string>>): unknown {
  const named = Object.fromEntries(Object.keys(labels).map((label) => [`f:${label}`, {}]));
  return { 'f:metadata': { 'f:annotations': { '.': {} }, 'f:labels': { '.': {}, ...named } }, 'f:spec': {} };
}

function keyOf(
  storedUnder: string,
  metadata: { readonly name: string; readonly namespace?: string },
): string {
  const scope = metadata.namespace === undefined || metadata.namespace === '' ? '' : `${metadata.namespace}/`;
  return `/registry/${storedUnder}/${scope}${metadata.name}`;
}
