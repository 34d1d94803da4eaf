import { type Decoded, undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { authorship, eventTimeMs, managerEntries, timeOf } from '../authorship.ts';
import { changedFields } from '../fields.ts';
import { isNoise } from '../noise.ts';
import type { Fact } from './fact.ts';

/** A fact but for where it was found; the revision is the row's where it has none. */
export type Told = Pick<Fact, 'what' | 'source' | 'tool' | 'operation' | 'user' | 'detail'> & {
  readonly timeMs?: number;
  readonly revision?: number;
};

export interface VersionContext {
  readonly created: boolean;
  readonly resource: string;
  readonly all: boolean;
  /** The version before it; undefined where it is gone. */
  before(): Decoded | undefined;
}

const MAX_PATHS = 6;
const MAX_MESSAGE_CHARACTERS = 400;
const NOBODY = { tool: '', operation: '', user: '' } as const;

/** What one version of an object tells; nothing where it is noise. */
export function factsOfVersion(decoded: Decoded, context: VersionContext): Told[] {
  const { created, resource } = context;
  if (decoded.form !== 'object') {
    const what = created ? 'created' : 'changed';
    return [{ what, source: 'row', ...NOBODY, detail: undecodedText(decoded) }];
  }
  const { object } = decoded;
  if (resource === 'events' || resource === 'events.events.k8s.io') return [eventFact(object)];
  if (created) return [creation(object), ...olderWrites(object)];
  const before = context.before();
  if (before === undefined) return history(object);
  return before.form === 'object'
    ? change(before.object, object, context)
    : [{ what: 'changed', source: 'row', ...NOBODY, detail: undecodedText(before) }];
}

function creation(object: JsonObject): Told {
  const { tool, operation, stamp } = authorship(object, { created: true });
  return {
    what: 'created',
    source: 'row',
    tool,
    operation,
    user: requester(object),
    detail: '',
    ...(stamp === undefined ? {} : { timeMs: stamp.timeMs }),
  };
}

/** Entries of a time other than its creation: it was put here with a past, or the past was invented. */
function olderWrites(object: JsonObject): Told[] {
  const createdMs = timeOf(at(object, 'metadata', 'creationTimestamp'));
  return writes(object).filter(({ timeMs }) => timeMs !== createdMs);
}

/** The versions before are gone: what the object itself still says of them. */
function history(object: JsonObject): Told[] {
  const createdMs = timeOf(at(object, 'metadata', 'creationTimestamp'));
  const all = writes(object);
  const begin = all.find(({ timeMs }) => timeMs === createdMs);
  const creationFact: Told[] =
    createdMs === undefined
      ? []
      : [
          {
            what: 'created',
            source: 'creationTimestamp',
            timeMs: createdMs,
            tool: begin?.tool ?? '',
            operation: begin?.operation ?? '',
            user: requester(object),
            detail: '',
            revision: 0,
          },
        ];
  return [...creationFact, ...all.filter((one) => one !== begin), ...deletionAsked(object)];
}

function writes(object: JsonObject): Told[] {
  const raw = listOf(at(object, 'metadata', 'managedFields'));
  return managerEntries(object).flatMap(({ manager, operation, subresource, timeMs }, index) =>
    timeMs === undefined
      ? []
      : [
          {
            what: 'changed' as const,
            source: 'managedFields' as const,
            timeMs,
            tool: manager,
            operation: operationText(operation, subresource),
            user: '',
            detail: paths(managedPaths(at(raw[index], 'fieldsV1'))),
            // Which of the rows that are gone it was, nothing says.
            revision: 0,
          },
        ],
  );
}

function deletionAsked(object: JsonObject): Told[] {
  const { stamp } = authorship(object, { created: false, object: {} });
  if (stamp?.source !== 'deletionTimestamp') return [];
  return [
    { what: 'deletion asked for', source: 'deletionTimestamp', timeMs: stamp.timeMs, ...NOBODY, detail: '' },
  ];
}

function change(before: JsonObject, after: JsonObject, { resource, all }: VersionContext): Told[] {
  const changes = changedFields(before, after).filter((one) => all || !isNoise(resource, one));
  if (changes.length === 0) return [];
  const { tool, operation, subresource, stamp } = authorship(after, { created: false, object: before });
  const asked = stamp?.source === 'deletionTimestamp';
  return [
    {
      what: asked ? 'deletion asked for' : 'changed',
      source: asked ? 'deletionTimestamp' : 'row',
      tool,
      operation: operationText(operation, subresource),
      user: '',
      detail: paths(
        changes.map(({ path }) => path).filter((path) => !path.startsWith('metadata.managedFields')),
      ),
      ...(stamp === undefined ? {} : { timeMs: stamp.timeMs }),
    },
  ];
}

function eventFact(event: JsonObject): Told {
  const { tool } = authorship({ ...event, kind: 'Event' }, { created: false });
  const timeMs = eventTimeMs(event);
  const about = event['involvedObject'] ?? event['regarding'];
  const where = [textOf(at(about, 'namespace')), textOf(at(about, 'name'))].filter(Boolean).join('/');
  const count = Number(event['count'] ?? at(event, 'series', 'count') ?? 1);
  const message = textOf(event['message']) || textOf(event['note']);
  return {
    what: 'event',
    source: 'event',
    tool,
    operation: '',
    user: '',
    detail: [
      `${textOf(at(about, 'kind'))} ${where}`.trim(),
      [textOf(event['reason']), message.slice(0, MAX_MESSAGE_CHARACTERS)].filter(Boolean).join(': '),
      count > 1 ? `${count} times` : '',
    ]
      .filter(Boolean)
      .join('; '),
    ...(timeMs === undefined ? {} : { timeMs }),
  };
}

/** Of a certificate's request: set by the API server. */
function requester(object: JsonObject): string {
  return object['kind'] === 'CertificateSigningRequest' ? textOf(at(object, 'spec', 'username')) : '';
}

function operationText(operation: string, subresource: string): string {
  return subresource === '' ? operation : `${operation} of ${subresource}`;
}

function paths(all: readonly string[]): string {
  const shown = all.slice(0, MAX_PATHS).join(', ');
  return all.length > MAX_PATHS ? `${shown} and ${all.length - MAX_PATHS} more` : shown;
}

/** "spec.replicas", "metadata.labels": two levels of what an entry of managedFields covers. */
function managedPaths(fields: unknown): string[] {
  return names(fields).flatMap((name) => {
    const inner = names(at(fields, `f:${name}`));
    return inner.length === 0 ? [name] : inner.map((field) => `${name}.${field}`);
  });
}

function names(fields: unknown): string[] {
  if (typeof fields !== 'object' || fields === null) return [];
  return Object.keys(fields)
    .filter((name) => name.startsWith('f:'))
    .map((name) => name.slice(2));
}
