import { asLockstepError, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { type Decoded, undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';
import { stringify } from 'yaml';
import { type Asked, askedFor, keyOf, keyText, selectionOf } from '../../../analysis/asked.ts';
import { putAt, requireWhole } from '../../../analysis/at-revision.ts';
import { type LiveObject, liveObjects } from '../../../analysis/live.ts';
import { placeOf, utf8 } from '../../../analysis/resource-name.ts';
import type { Answer, OutputFormat } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import type { Invocation } from '../../invocation.ts';
import { type DecodeOptions, decoderFor } from '../../object-decoder.ts';
import { oneLine, printable } from '../../plain.ts';
import { objectTable } from '../../render/inspect/objects.ts';

export interface GetOptions extends DecodeOptions {
  readonly namespace?: string;
  readonly revision?: number;
}

/** As kubectl prints it. */
const JSON_INDENT = 4;

/** An object as a real API server prints it, or all of a resource as a List. */
export function getObject(
  invocation: Invocation,
  file: string,
  what: string,
  name: string | undefined,
  options: GetOptions,
): Answer {
  const asked = askedFor(what, name, options.namespace);
  return withEvidence(invocation, file, (evidence) => {
    const list = selectionOf(asked).name === undefined && !what.startsWith('/');
    const objects = list ? listed(evidence, asked, options) : [];
    return objects.length > 0
      ? listAnswer(objects)
      : oneAnswer(oneObject(evidence, knownKey(evidence, asked, options), options));
  });
}

/** Of a revision that was given up, that no row of a key is left says nothing of what there was. */
function knownKey(evidence: Evidence, asked: Asked, { revision }: GetOptions): string {
  try {
    return keyOf(evidence, asked);
  } catch (thrown) {
    if (asLockstepError(thrown).code === 'OBJECT_NOT_FOUND') requireWhole(evidence, revision);
    throw thrown;
  }
}

function oneObject(evidence: Evidence, key: string, options: GetOptions): LiveObject {
  const { main, value } = putAt(evidence, key, options.revision);
  const decoded = decoderFor(evidence, options).decode(value, { key, modRevision: main });
  if (decoded.form === 'encrypted') throw encrypted(key, decoded);
  const place = placeOf(key, evidence.facts.registryPrefix);
  if (decoded.form === 'object') return { key, ...place, modRevision: main, createRevision: 0, decoded };
  // Nobody's object: its bytes, and its text where it is one.
  const text = Buffer.from(value).toString('utf8');
  const object = {
    ...keyText(key),
    modRevision: main,
    why: decoded.why,
    value: Buffer.from(value).toString('base64'),
    ...(Buffer.from(text, 'utf8').equals(value) ? { text } : {}),
  };
  return {
    key,
    ...place,
    modRevision: main,
    createRevision: 0,
    decoded: { form: 'object', object, described: false, storedAs: 'json' },
  };
}

function listed(evidence: Evidence, asked: Asked, options: GetOptions): LiveObject[] {
  requireWhole(evidence, options.revision);
  const { revision } = options;
  const select = { ...selectionOf(asked), ...(revision === undefined ? {} : { revision }) };
  const found = [...liveObjects(evidence, decoderFor(evidence, options), select)];
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function oneAnswer(object: LiveObject): Answer {
  return answerOf([object], objectOf(object));
}

function listAnswer(objects: readonly LiveObject[]): Answer {
  const items = objects.map(objectOf);
  return answerOf(objects, { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } });
}

function answerOf(objects: readonly LiveObject[], document: JsonObject): Answer {
  return {
    data: {},
    render: () => [],
    // Bare, so that kubectl takes it as it is.
    write: (out, output, layout) => {
      if (output === 'name') out(objects.map((object) => `${oneLine(nameOf(object))}\n`).join(''));
      else if (output === 'table' || output === 'wide') {
        out(
          objectTable(layout, objects)
            .map((line) => `${line}\n`)
            .join(''),
        );
      } else out(text(document, output));
    },
  };
}

function text(document: JsonObject, output: OutputFormat): string {
  return printable(
    output === 'json'
      ? `${JSON.stringify(document, null, JSON_INDENT)}\n`
      : // What YAML 1.1 takes for a time or a truth is quoted: kubectl reads that version.
        stringify(document, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }),
  );
}

function objectOf({ key, decoded }: LiveObject): JsonObject {
  if (decoded.form === 'object') return decoded.object;
  if (decoded.form === 'encrypted') throw encrypted(key, decoded);
  return { ...keyText(key), why: decoded.why };
}

function nameOf({ resource, name, key }: LiveObject): string {
  return resource === '' ? utf8(key) : `${resource}/${name}`;
}

function encrypted(key: string, decoded: Extract<Decoded, { form: 'encrypted' }>): LockstepError {
  return new LockstepError('VALUE_ENCRYPTED', {
    message: `${utf8(key)} is ${undecodedText(decoded)}.`,
  });
}
