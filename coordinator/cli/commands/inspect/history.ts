import { askedFor, keyOf, keyText } from '../../../analysis/asked.ts';
import { Mask } from '../../../analysis/mask.ts';
import { placeOf } from '../../../analysis/resource-name.ts';
import { type Version, versionsOf } from '../../../analysis/versions.ts';
import type { Answer } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import type { Invocation } from '../../invocation.ts';
import { type DecodeOptions, decoderFor } from '../../object-decoder.ts';
import { historyPage } from '../../render/inspect/history.ts';
import { authorView, intervalView } from './views.ts';

export interface HistoryOptions extends DecodeOptions {
  readonly namespace?: string;
  readonly showSecrets: boolean;
  readonly all: boolean;
}

/** Every version of a key that the store still shows, and what its free pages hold of it. */
export function showHistory(
  invocation: Invocation,
  file: string,
  what: string,
  name: string | undefined,
  options: HistoryOptions,
): Answer {
  const asked = askedFor(what, name, options.namespace);
  return withEvidence(invocation, file, (evidence) => {
    const key = keyOf(evidence, asked);
    const { revision, compactRevision, registryPrefix } = evidence.facts;
    const versions = versionsOf(evidence, decoderFor(evidence, options), key, {
      mask: new Mask(options),
      all: options.all,
    });
    return {
      data: {
        file,
        revision,
        compactRevision,
        ...keyText(key),
        ...placeOf(key, registryPrefix),
        versions: versions.map(versionView),
      },
      names: versions.map((version) => String(version.revision)),
      render: (layout) => historyPage(layout, { key, compactRevision, versions }),
    };
  });
}

function versionView({ authorship, interval, ...version }: Version): object {
  return { ...version, ...authorView(authorship), ...intervalView(interval) };
}
