import { type Command, Option } from 'commander';
import { parseRevision } from '../arguments.ts';
import { type KeysOptions, showKeys } from '../commands/inspect/keys.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';

/** What reads a file alone: no coordinator, no configuration. */
export function inspections(program: Command, does: Does): void {
  const inspect = noun(
    program,
    'inspect',
    'what happened, from a snapshot alone; asks nobody, writes nothing to it',
  );
  answering(
    inspect,
    'keys',
    'the current keys of a store',
    'lockstep inspect keys ./backup.db',
    'lockstep inspect keys ./backup.db --summary',
    'lockstep inspect keys ./backup.db --resource secrets --namespace kube-system -o name',
  )
    .argument('<file>', 'a snapshot, a store out of a data directory, or the SQLite file of K3s')
    .option('--prefix <text>', 'keys that begin so')
    .option('--resource <resource>', 'as kubectl names it: pods, po, deployments.apps')
    .option('-n, --namespace <name>', 'of this namespace')
    .addOption(revisionOption())
    .option('--summary', 'counts and bytes of each resource', false)
    .action((file: string, options: CommonOptions & KeysOptions) =>
      does({
        kind: 'answer',
        options,
        onlyReads: true,
        ask: async (invocation) => showKeys(invocation, file, options),
      }),
    );
}

function revisionOption(): Option {
  return new Option('--revision <revision>', 'as things stood at this revision').argParser(parseRevision);
}
