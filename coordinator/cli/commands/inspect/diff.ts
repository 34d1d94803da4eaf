import { keyText } from '../../../analysis/asked.ts';
import { differing } from '../../../analysis/diff/digest-index.ts';
import type { ObjectDiff } from '../../../analysis/diff/object-diff.ts';
import { readIndexes } from '../../../analysis/diff/read-indexes.ts';
import type { Selection } from '../../../analysis/live.ts';
import { Mask } from '../../../analysis/mask.ts';
import { placeOf, utf8 } from '../../../analysis/resource-name.ts';
import type { Answer } from '../../answer.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { longAnswer } from '../../long-answer.ts';
import type { DecodeOptions } from '../../object-decoder.ts';
import { withDiffer } from '../../object-differ.ts';
import { type DiffHead, diffHead, diffLines, diffTail } from '../../render/inspect/diff.ts';
import { authorView } from './views.ts';

export interface DiffOptions extends DecodeOptions {
  readonly resource?: string;
  readonly namespace?: string;
  readonly showSecrets: boolean;
  readonly all: boolean;
}

/** What differs between two stores: objects, and of each the fields. Two workers read them side by side. */
export async function showDiff(
  invocation: Invocation,
  before: string,
  after: string,
  options: DiffOptions,
): Promise<Answer> {
  const select = selectionOf(options);
  const [was, is] = await readIndexes([
    { path: before, select },
    { path: after, select },
  ]);
  const candidates = differing(was!, is!);
  // The same value has the same mark wherever it stands in this run.
  const masked = { ...options, mask: new Mask(options) };
  const folded = new Map<string, number>();
  // Decoded twice, here and where it is written: that is less than to keep it all.
  const found = withDiffer(invocation, [before, after], masked, (differ, prefix) =>
    candidates.filter((one) => {
      if (differ.differs(one) !== undefined) return true;
      const { resource } = placeOf(one.key, prefix);
      folded.set(resource, (folded.get(resource) ?? 0) + 1);
      return false;
    }),
  );
  const head: DiffHead = {
    before: { file: before, revision: was!.revision },
    after: { file: after, revision: is!.revision },
    added: found.filter((one) => one.before === undefined).length,
    removed: found.filter((one) => one.after === undefined).length,
    changed: found.filter((one) => one.before !== undefined && one.after !== undefined).length,
    folded: Object.fromEntries([...folded].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return longAnswer<ObjectDiff>({
    head: { ...head },
    list: 'differences',
    ...(found.length === 0 ? {} : { exit: EXIT.findings }),
    each: (visit) =>
      withDiffer(
        invocation,
        [before, after],
        masked,
        (differ) => {
          for (const one of found) visit(differ.differs(one)!);
        },
        { again: true },
      ),
    json: diffView,
    name: ({ key }) => utf8(key),
    before: (layout) => diffHead(layout, head),
    lines: diffLines,
    after: (layout) => diffTail(layout, head),
  });
}

function selectionOf({ resource, namespace }: DiffOptions): Selection {
  return {
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

function diffView({ key, authorship, ...diff }: ObjectDiff): object {
  return { ...keyText(key), ...diff, ...(authorship === undefined ? {} : authorView(authorship)) };
}
