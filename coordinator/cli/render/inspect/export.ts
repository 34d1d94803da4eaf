import { clean, fields, heading, type Layout, wrap } from '../layout.ts';
import { bytes, count, plural } from '../units.ts';

export interface ExportPage {
  readonly directory: string;
  readonly files: number;
  readonly format: string;
  readonly secrets: boolean;
  readonly objects: number;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly source: {
    readonly file: string;
    readonly sha256: string;
    readonly sizeBytes: number;
    readonly revision: number;
  };
}

export function exportPage(layout: Layout, page: ExportPage): string[] {
  const { directory, files, format, secrets, objects, leftOut, source } = page;
  const left = Object.entries(leftOut).map(([why, number]) => `${count(number)} ${why}`);
  return [
    heading(layout, `Exported to ${clean(layout, directory)}`),
    ...fields(layout, [
      ['Source', `${source.file}, revision ${count(source.revision)}, ${bytes(source.sizeBytes)}`],
      ['SHA-256', source.sha256],
      ['Format', format],
      [
        'Written',
        `${plural(objects, format === 'timesketch' ? 'fact' : 'object')} in ${plural(files, 'file')}`,
      ],
      ['Left out', left.join('; ')],
    ]),
    ...(secrets ? ['', ...wrap(layout, 'The directory holds the secrets of the cluster in clear.')] : []),
  ];
}
