import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import type { Selection } from './live.ts';
import { placeOf, placeText, utf8 } from './resource-name.ts';
import { keysOf } from './versions.ts';

/** What a person names: a key, a resource and a name, "resource/name", or a resource alone. */
export interface Asked {
  readonly what: string;
  readonly name?: string;
  readonly namespace?: string;
}

const MAX_NAMED = 10;

export function askedFor(what: string, name: string | undefined, namespace: string | undefined): Asked {
  return {
    what,
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

export function selectionOf({ what, name, namespace }: Asked): Selection {
  const inNamespace = namespace === undefined ? {} : { namespace };
  const slash = what.indexOf('/');
  if (name !== undefined) return { resource: what, name, ...inNamespace };
  if (slash > 0) return { resource: what.slice(0, slash), name: what.slice(slash + 1), ...inNamespace };
  return { resource: what, ...inNamespace };
}

/** The one key (latin1) that is meant, be it deleted or carved. Throws OBJECT_NOT_FOUND, USAGE. */
export function keyOf(evidence: Evidence, asked: Asked): string {
  const { what, name } = asked;
  const whole = latin1(what);
  // A key by itself: it begins with a slash, as all of Kubernetes do, or is one that is there.
  const keys = what.startsWith('/')
    ? keysOf(evidence, { keyPrefix: whole, everyKey: true }).filter((key) => key === whole)
    : keysOf(evidence, selectionOf(asked));
  if (keys.length === 1) return keys[0]!;
  if (keys.length === 0) {
    if (name === undefined && keysOf(evidence, { keyPrefix: whole, everyKey: true }).includes(whole))
      return whole;
    throw new LockstepError('OBJECT_NOT_FOUND', { message: `${evidence.path} holds no ${describe(asked)}.` });
  }
  const named = keys.slice(0, MAX_NAMED).map((key) => placeText(placeOf(key, evidence.facts.registryPrefix)));
  throw new LockstepError('USAGE', {
    message: `${describe(asked)} can mean ${keys.length} keys: ${named.join(', ')}${keys.length > MAX_NAMED ? ', …' : ''}. Name one with -n or by its key.`,
  });
}

function describe({ what, name, namespace }: Asked): string {
  const text = name === undefined ? what : `${what} ${name}`;
  return namespace === undefined ? text : `${text} in namespace ${namespace}`;
}

/** A text as keys are held: one character per byte. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A key as text, and its bytes beside it where the text does not say them all. */
export function keyText(key: string): { readonly key: string; readonly keyBase64?: string } {
  const text = utf8(key);
  return latin1(text) === key
    ? { key: text }
    : { key: text, keyBase64: Buffer.from(key, 'latin1').toString('base64') };
}
