import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Command, Option } from 'commander';
import { SEVERITIES } from '../../analysis/findings/finding.ts';
import type { BisectOptions } from '../commands/inspect/bisect.ts';
import type { FindingsOptions } from '../commands/inspect/findings.ts';
import type { CommonOptions, Does } from './command.ts';
import { SNAPSHOT_DIRECTORY } from './defaults.ts';
import { encryptionOption, examining, FILE, reading } from './inspect-options.ts';

/** What rules make of stores. */
export function findingCommands(inspect: Command, does: Does): void {
  ruled(
    examining(
      inspect,
      'findings',
      'what fits an intruder’s doing, by rules; ends with 8 where anything does',
      'lockstep inspect findings ./backup.db',
      'lockstep inspect findings ./after.db --baseline ./before.db --severity medium',
      'lockstep inspect findings ./backup.db --rules ./our-rules.yaml -o json',
      'lockstep inspect findings --list',
    ).argument('[file]', FILE),
  )
    .option('--list', 'the rules, instead', false)
    .action(
      (file: string | undefined, options: CommonOptions & FindingsOptions & { readonly list: boolean }) =>
        does(
          reading(options, async (invocation) => {
            const { listRules, showFindings } = await import('../commands/inspect/findings.ts');
            if (options.list) return await listRules(invocation, options);
            if (file !== undefined) return await showFindings(invocation, file, options);
            throw new LockstepError('USAGE', { message: 'Name a file, or ask for the rules with --list.' });
          }),
        ),
    );

  ruled(
    examining(
      inspect,
      'bisect',
      'the last clean one of many snapshots, and what ended cleanness; ends with 8 where anything did',
      'lockstep inspect bisect ./monday.db ./tuesday.db ./wednesday.db',
      'lockstep inspect bisect --catalogue --baseline ./known-good.db',
    ).argument('[files...]', FILE),
  )
    .addOption(
      new Option(
        '--catalogue [dir]',
        'all snapshots that the agent of this host keeps, or of a directory',
      ).preset(SNAPSHOT_DIRECTORY),
    )
    .action((files: string[], options: CommonOptions & BisectOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/bisect.ts')).bisectSnapshots(invocation, files, options),
        ),
      ),
    );
}

function ruled(command: Command): Command {
  return command
    .option('--baseline <file>', 'a store from before: only what it does not show is told')
    .addOption(
      new Option('--rules <file>', 'rules of your own, beside ours; may be given again')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option('--evidence <archive>', 'what an agent gathered of its node; may be given again')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--ca <file>', 'of the cluster in which the evidence was gathered')
    .addOption(new Option('--severity <severity>', 'this and worse').choices(SEVERITIES).default('low'))
    .addOption(encryptionOption());
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
