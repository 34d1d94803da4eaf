import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { type Decoded, undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import { textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { type Authorship, authorship } from '../authorship.ts';
import { changedFields, type FieldChange } from '../fields.ts';
import type { ObjectDecoder } from '../live.ts';
import type { Mask } from '../mask.ts';
import { isNoise } from '../noise.ts';
import { type ObjectPlace, placeOf } from '../resource-name.ts';
import type { Differing, Place } from './digest-index.ts';

/** What differs of one object between two stores. */
export interface ObjectDiff extends ObjectPlace {
  /** latin1 */
  readonly key: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly kind: string;
  /** Revision of the last write in each store; absent where the object is not there. */
  readonly beforeRevision?: number;
  readonly afterRevision?: number;
  /** Of the later state. */
  readonly authorship?: Authorship;
  readonly fields: readonly FieldChange[];
  /** Fields that changed by themselves and are left out of `fields`. */
  readonly foldedFields: number;
  /** Why its fields cannot be compared; empty where they were. */
  readonly undecoded: string;
}

interface Side {
  readonly evidence: Evidence;
  readonly decoder: ObjectDecoder;
}

/** Looks into what differs. Secret values come masked. */
export class ObjectDiffer {
  readonly #before: Side;
  readonly #after: Side;
  readonly #mask: Mask;
  readonly #all: boolean;

  /** `all`: nothing is folded. */
  constructor(before: Side, after: Side, options: { readonly mask: Mask; readonly all: boolean }) {
    this.#before = before;
    this.#after = after;
    this.#mask = options.mask;
    this.#all = options.all;
  }

  /** Undefined where all that differs is noise. */
  differs(differing: Differing): ObjectDiff | undefined {
    const { key, before, after } = differing;
    const side = after === undefined ? this.#before : this.#after;
    const place = placeOf(key, side.evidence.facts.registryPrefix);
    const was = this.#decode(this.#before, key, before);
    const is = this.#decode(this.#after, key, after);
    const base = {
      key,
      ...place,
      change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
      kind: kindOf(is) || kindOf(was),
      ...(before === undefined ? {} : { beforeRevision: before.main }),
      ...(after === undefined ? {} : { afterRevision: after.main }),
      undecoded:
        [was, is]
          .map((one) => (one === undefined || one.form === 'object' ? '' : undecodedText(one)))
          .find(Boolean) ?? '',
    } as const;
    if (was === undefined || is === undefined || was.form !== 'object' || is.form !== 'object') {
      const author = is?.form === 'object' ? { authorship: authorship(is.object, { created: true }) } : {};
      return { ...base, ...author, fields: [], foldedFields: 0 };
    }
    const changes = changedFields(this.#mask.object(was.object), this.#mask.object(is.object));
    const fields = this.#all ? changes : changes.filter((change) => !isNoise(place.resource, change));
    if (fields.length === 0) return undefined;
    return {
      ...base,
      authorship: authorship(is.object, { created: false, object: was.object }),
      fields,
      foldedFields: changes.length - fields.length,
    };
  }

  #decode({ evidence, decoder }: Side, key: string, place: Place | undefined): Decoded | undefined {
    const value = place === undefined ? undefined : evidence.value(place.main, place.sub);
    if (place === undefined || value === undefined) return undefined;
    return decoder.decode(value, { key, modRevision: place.main });
  }
}

function kindOf(decoded: Decoded | undefined): string {
  return decoded?.form === 'object' ? textOf(decoded.object['kind']) : '';
}
