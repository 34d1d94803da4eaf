import { createHmac, randomBytes } from 'node:crypto';
import { at, type JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';

const MARKER_DIGITS = 12;
/** kubectl keeps in it what was applied, in clear. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Hides the values of secrets behind marks that tell equal from different and nothing else: they
 * are keyed with a salt of this run, so that no guess can be tried on them later.
 */
export class Mask {
  readonly #salt = randomBytes(32);
  readonly #off: boolean;

  constructor({ showSecrets }: { readonly showSecrets: boolean }) {
    this.#off = showSecrets;
  }

  /** The object with its secret values marked; the same object where it has none. */
  object(object: JsonObject): JsonObject {
    if (this.#off || object['kind'] !== 'Secret') return object;
    const annotations = at(object, 'metadata', 'annotations');
    return {
      ...object,
      ...this.#values(object, 'data'),
      ...this.#values(object, 'stringData'),
      // Where the kind could not be described, its fields stand as numbers.
      ...(object['fields'] === undefined ? {} : { fields: this.mark(object['fields']) }),
      ...(at(annotations, LAST_APPLIED) === undefined
        ? {}
        : {
            metadata: {
              ...(object['metadata'] as JsonObject),
              annotations: {
                ...(annotations as JsonObject),
                [LAST_APPLIED]: this.mark(at(annotations, LAST_APPLIED)),
              },
            },
          }),
    };
  }

  /** "(secret 3f9a0c1d22ab)" */
  mark(value: unknown): string {
    const digest = createHmac('sha256', this.#salt).update(JSON.stringify(value)).digest('hex');
    return `(secret ${digest.slice(0, MARKER_DIGITS)})`;
  }

  #values(object: JsonObject, field: string): JsonObject {
    const values = object[field];
    if (typeof values !== 'object' || values === null) return {};
    return {
      [field]: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, this.mark(value)])),
    };
  }
}
