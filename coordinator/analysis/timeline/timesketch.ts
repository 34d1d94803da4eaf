import { placeText, utf8 } from '../resource-name.ts';
import { earliestMs, type Fact } from './fact.ts';

/** A line for Timesketch; undefined where nothing bounds its time, for it takes none without. */
export function timesketchLine(fact: Fact): string | undefined {
  const ms = earliestMs(fact) ?? fact.interval?.before?.timeMs;
  if (ms === undefined) return undefined;
  const { interval, file, what, source, revision, tool, operation, user, detail } = fact;
  return JSON.stringify({
    message: messageOf(fact),
    datetime: new Date(ms).toISOString(),
    timestamp: ms * 1000,
    timestamp_desc:
      fact.timeMs === undefined ? `${descriptionOf(fact)} (earliest possible)` : descriptionOf(fact),
    ...(interval?.after === undefined ? {} : { not_before: new Date(interval.after.timeMs).toISOString() }),
    ...(interval?.before === undefined ? {} : { not_after: new Date(interval.before.timeMs).toISOString() }),
    data_type: 'kubernetes:etcd:object',
    source_of_fact: source,
    action: what,
    key: utf8(fact.key),
    resource: fact.resource,
    namespace: fact.namespace,
    name: fact.name,
    tool,
    operation,
    user,
    revision,
    detail,
    file,
  });
}

/** "changed configmaps team-01/app by kubectl-edit: data.level" */
export function messageOf(fact: Fact): string {
  const by = fact.tool === '' ? '' : ` by ${fact.tool}${fact.operation === '' ? '' : ` (${fact.operation})`}`;
  const user = fact.user === '' ? '' : `, asked for by ${fact.user}`;
  const detail = fact.detail === '' ? '' : `: ${fact.detail}`;
  return `${fact.what} ${placeText(fact)}${by}${user}${detail}`;
}

function descriptionOf({ what, source }: Fact): string {
  const word = what === 'event' ? 'Event' : `Object ${what}`;
  return source === 'row' || source === 'event' ? word : `${word}, by its ${source}`;
}
