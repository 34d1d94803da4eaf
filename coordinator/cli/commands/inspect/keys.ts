import { keyText, latin1 } from '../../../analysis/asked.ts';
import { type KeyEntry, summarize, visitKeys } from '../../../analysis/keys.ts';
import type { Selection } from '../../../analysis/live.ts';
import { utf8 } from '../../../analysis/resource-name.ts';
import type { Answer } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import type { Invocation } from '../../invocation.ts';
import { longAnswer } from '../../long-answer.ts';
import { keyLine, keysHead, keysTail, resourceTable } from '../../render/inspect/keys.ts';

export interface KeysOptions {
  readonly prefix?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly revision?: number;
  readonly summary: boolean;
}

/** The current keys of a store, or how many of each resource there are. */
export function showKeys(invocation: Invocation, file: string, options: KeysOptions): Answer {
  const select = selectionOf(options);
  const revision = withEvidence(invocation, file, ({ facts }) => facts.revision);
  const head = { file, revision: options.revision ?? revision, storeRevision: revision };
  if (options.summary) {
    const resources = withEvidence(invocation, file, (evidence) => summarize(evidence, select), {
      again: true,
    });
    return {
      data: { ...head, resources },
      names: resources.map(({ resource }) => resource),
      render: (layout) => resourceTable(layout, head, resources),
    };
  }
  const total = { count: 0, sizeBytes: 0 };
  return longAnswer<KeyEntry>({
    head,
    list: 'keys',
    each: (visit) =>
      withEvidence(
        invocation,
        file,
        (evidence) =>
          visitKeys(evidence, select, (entry) => {
            total.count++;
            total.sizeBytes += entry.sizeBytes;
            visit(entry);
          }),
        { again: true },
      ),
    json: keyView,
    name: ({ key }) => utf8(key),
    before: keysHead,
    lines: keyLine,
    after: (layout) => keysTail(layout, head, total),
  });
}

function selectionOf({ prefix, resource, namespace, revision }: KeysOptions): Selection {
  return {
    // Keys that are no object's are told too, unless objects were asked for.
    everyKey: true,
    ...(prefix === undefined ? {} : { keyPrefix: latin1(prefix) }),
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(revision === undefined ? {} : { revision }),
  };
}

function keyView({ key, ...rest }: KeyEntry): object {
  return { ...keyText(key), ...rest };
}
