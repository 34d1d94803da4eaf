import { basename } from 'node:path';
import { digestFile } from '@lockstep/shared/snapshot/trailer.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { timesketchLine } from '../../../analysis/timeline/timesketch.ts';
import type { Answer } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import { exportClusterInfoDump } from '../../export/cluster-info-dump.ts';
import { Exported, type ExportRequest } from '../../export/exported.ts';
import type { ExportFormat } from '../../export/formats.ts';
import { NewDirectory } from '../../export/new-directory.ts';
import { exportObjects } from '../../export/object-files.ts';
import { exportSqlite } from '../../export/sqlite.ts';
import type { Invocation } from '../../invocation.ts';
import { type DecodeOptions, decoderFor } from '../../object-decoder.ts';
import { exportPage } from '../../render/inspect/export.ts';
import { gatherFacts } from './timeline.ts';

export interface ExportOptions extends DecodeOptions {
  readonly format: ExportFormat;
  readonly showSecrets: boolean;
  readonly appliable: boolean;
  readonly all: boolean;
}

/** Of what an export is, and that it came to its end: written last. Without a suffix, so that kubectl passes it by. */
const CARD = 'EXPORT';
const MAX_LINES = 1_000;

/** Writes a store's content to a new directory, in the form of another program. */
export function exportStore(
  invocation: Invocation,
  file: string,
  target: string,
  options: ExportOptions,
): Answer {
  return withEvidence(invocation, file, (evidence) => {
    const decoder = decoderFor(evidence, options);
    const { revision } = evidence.facts;
    const directory = new NewDirectory(target);
    try {
      const request: ExportRequest = { evidence, decoder, directory, ...options };
      const { objects, leftOut } =
        options.format === 'timesketch'
          ? exportTimeline(invocation, file, request, options)
          : exportFormat(request, options.format);
      const { fileSha256, sizeBytes } = digestFile(file);
      const data = {
        source: { file: basename(file), sha256: fileSha256, sizeBytes, revision },
        format: options.format,
        secrets: options.showSecrets,
        objects,
        leftOut: Object.fromEntries(leftOut),
        lockstep: VERSION,
      };
      directory.write(`${JSON.stringify(data, null, 2)}\n`, CARD);
      return {
        data: { directory: target, files: directory.files, ...data },
        names: [target],
        render: (layout) => exportPage(layout, { directory: target, files: directory.files, ...data }),
      };
    } catch (thrown) {
      directory.remove();
      throw thrown;
    }
  });
}

function exportFormat(request: ExportRequest, format: Exclude<ExportFormat, 'timesketch'>): Exported {
  switch (format) {
    case 'sqlite':
      return exportSqlite(request);
    case 'cluster-info-dump':
      return exportClusterInfoDump(request);
    default:
      return exportObjects(request, format);
  }
}

function exportTimeline(
  invocation: Invocation,
  file: string,
  { directory }: ExportRequest,
  options: ExportOptions,
): Exported {
  const exported = new Exported();
  const path = directory.create('timeline.jsonl');
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length > 0) directory.append(path, `${lines.join('\n')}\n`);
    lines = [];
  };
  gatherFacts(invocation, [file], options, { again: true }).facts.each((fact) => {
    const line = timesketchLine(fact);
    if (line === undefined) return exported.leaveOut('facts that nothing gives a time');
    exported.objects++;
    if (lines.push(line) >= MAX_LINES) flush();
  });
  flush();
  return exported;
}
