import { type Command, Option } from 'commander';
import { parseRevision } from '../arguments.ts';
import { type CommonOptions, examples, outputOption, type Work } from './command.ts';

/** What all of them read. */
export const FILE = 'a snapshot, a store out of a data directory, or the SQLite file of K3s';

/** The work of a command that only reads. */
export function reading(options: CommonOptions, ask: Extract<Work, { kind: 'answer' }>['ask']): Work {
  return { kind: 'answer', options, onlyReads: true, ask };
}

/** A command that answers from a file alone: it asks no coordinator, and takes no configuration. */
export function examining(parent: Command, name: string, description: string, ...shown: string[]): Command {
  return parent
    .command(name)
    .description(description)
    .addOption(outputOption())
    .addHelpText('after', examples(...shown));
}

export function revisionOption(): Option {
  return new Option('--revision <revision>', 'as things stood at this revision').argParser(parseRevision);
}

export function encryptionOption(): Option {
  return new Option('--encryption-config <file>', 'the API server’s EncryptionConfiguration, to open values');
}
