import type { Command } from 'commander';
import { collectText } from '../arguments.ts';
import type { ReportOptions } from '../commands/inspect/report.ts';
import type { CommonOptions, Does } from './command.ts';
import { examining } from './inspect-options.ts';

export function reportCommand(inspect: Command, does: Does): void {
  examining(
    inspect,
    'report',
    'one HTML page of what happened, to be read and handed on; it loads nothing',
    'lockstep inspect report ./after.db --baseline ./before.db --out report.html',
    'lockstep inspect report ./after.db --evidence ./incident-42/e-20261122-231500-7kq2ab-cp1.tar.zst',
  )
    .argument('<file>', 'a snapshot, a store out of a data directory, or the SQLite file of K3s')
    .option('--baseline <file>', 'the same from before: findings are then what is new')
    .option('--evidence <archive>', 'of a node, from `lockstep evidence gather`; repeat', collectText, [])
    .option('--ca <file>', 'the CA that the archives’ seals are judged by, instead of the context’s')
    .option('--out <file>', 'where to write the page', 'report.html')
    .option('--force', 'write over a file that is there', false)
    .option('--encryption-config <file>', 'the API server’s EncryptionConfiguration, to open values')
    .action((file: string, options: CommonOptions & ReportOptions) =>
      does({
        kind: 'answer',
        options,
        onlyReads: true,
        ask: async (invocation) =>
          (await import('../commands/inspect/report.ts')).writeReport(invocation, file, options),
      }),
    );
}
