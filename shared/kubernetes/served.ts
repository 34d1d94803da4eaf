import { type Json, put } from './json-object.ts';
import { at } from './stored-object.ts';

/* What an API server adds to what is stored. */

/** Fields of metadata that stand behind resourceVersion where metadata are in the Go struct's order. */
const BEHIND = new Set([
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
]);

/**
 * Sets metadata.resourceVersion, in its place: custom resources are printed with their keys in
 * alphabetical order, definitions of them in the struct's.
 */
export function withResourceVersion(object: Json, modRevision: number): Json {
  const metadata = at(object, 'metadata');
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return object;
  const isAlphabetical = Object.keys(object)[0] === 'apiVersion';
  const isBehind = (key: string): boolean => (isAlphabetical ? key > 'resourceVersion' : BEHIND.has(key));
  const complete: Json = {};
  let isSet = false;
  for (const [key, value] of Object.entries(metadata)) {
    if (key === 'resourceVersion') continue;
    if (!isSet && isBehind(key)) {
      complete['resourceVersion'] = String(modRevision);
      isSet = true;
    }
    put(complete, key, value);
  }
  if (!isSet) complete['resourceVersion'] = String(modRevision);
  object['metadata'] = complete;
  return object;
}

/** A stateful set's templates of claims say what they are; protobuf does not store it. */
export function completeClaimTemplates(object: Json): void {
  if (object['kind'] !== 'StatefulSet') return;
  const templates = at(object, 'spec', 'volumeClaimTemplates');
  if (!Array.isArray(templates)) return;
  (object['spec'] as Json)['volumeClaimTemplates'] = templates.map((template: Json) => ({
    kind: 'PersistentVolumeClaim',
    apiVersion: 'v1',
    ...template,
  }));
}
