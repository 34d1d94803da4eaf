/** The programs that an export is laid out for. */
export const EXPORT_FORMATS = ['yaml', 'json', 'sqlite', 'cluster-info-dump', 'timesketch'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
