import { type Command, Option } from 'commander';
import { parsePort } from '../arguments.ts';
import type { RestoreToOptions } from '../commands/restore-to.ts';
import type { FileOptions } from '../commands/snapshot-file.ts';
import type { CopyChoice } from '../commands/snapshots.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';
import { copies } from './copies.ts';
import { DEFAULT_CLIENT_PORT, SNAPSHOT_DIRECTORY } from './defaults.ts';
import { keeping } from './keeping.ts';

export function snapshots(program: Command, does: Does): void {
  const snapshot = noun(program, 'snapshot', 'take, keep, look at and prove snapshots', 'snapshots', 'snap');
  answering(
    snapshot,
    'save',
    'take a snapshot and prove it',
    'lockstep snapshot save --reason "before the upgrade"',
  )
    .option('--node <name>', 'from this member, instead of a healthy follower')
    .option('--offline', 'of a member that is stopped: its database and its log, as they lie on its disk')
    .option('--reason <text>', 'kept on its card')
    .action((options: CommonOptions & { node?: string; offline?: boolean; reason?: string }) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/snapshots.ts')).saveSnapshot(invocation, options),
      }),
    );

  answering(
    snapshot,
    'list',
    'the snapshots, who holds them, and when each was last proven',
    'lockstep snapshot list',
    'lockstep snapshot list -o name',
  )
    .alias('ls')
    .action((options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/keeping.ts')).listCatalogue(invocation),
      }),
    );
  keeping(snapshot, does);

  answering(
    snapshot,
    'show',
    'what is in a snapshot; a file needs no coordinator',
    'lockstep snapshot show s-20261122-114530-7kq2ab',
    'lockstep snapshot show ./backup.db -o json',
  )
    .alias('get')
    .argument('<file|id>', 'a file of etcdctl snapshot save, or an id')
    .option('--no-trailer', 'the file is a store copied out of a data directory')
    .action((what: string, options: CommonOptions & FileOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/snapshot-file.ts')).showSnapshot(invocation, what, options),
      }),
    );

  answering(
    snapshot,
    'verify',
    'read a snapshot whole and say whether it is',
    'lockstep snapshot verify s-20261122-114530-7kq2ab',
    'lockstep snapshot verify s-20261122-114530-7kq2ab --store offsite --identity ./key.txt',
    'lockstep snapshot verify ./backup.db',
  )
    .argument('<file|id>', 'a file, or an id: then in every place that holds it')
    .option('--no-trailer', 'the file is a store copied out of a data directory')
    .option('--store <name>', 'look into the copy that this store has, on a node that keeps nothing of it')
    .option('--identity <file>', 'of age-keygen, to look into an encrypted copy; read here alone')
    .action((what: string, options: CommonOptions & FileOptions & CopyChoice) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/snapshot-file.ts')).verifySnapshot(invocation, what, options),
      }),
    );
  copies(snapshot, does);

  answering(
    snapshot,
    'restore-to',
    'make a data directory of one member, for analysis; asks nobody',
    'lockstep snapshot restore-to ./analysis --snapshot ./backup.db',
    'lockstep snapshot restore-to /srv/analysis --snapshot s-20261122-114530-7kq2ab',
  )
    .argument('<dir>', 'where; not there yet, or empty')
    .requiredOption('--snapshot <file|id>', 'a file, or an id that the agent of this host keeps')
    .option('--name <name>', 'of the member', 'analysis')
    .option('--etcdutl <file>', 'this tool, whatever its version')
    .option('--snapshots <dir>', 'where the agent of this host keeps its snapshots', SNAPSHOT_DIRECTORY)
    .addOption(
      new Option('--port <port>', 'for its clients, on loopback; the next one is for peers')
        .argParser(parsePort)
        .default(DEFAULT_CLIENT_PORT),
    )
    .option('--no-trailer', 'the file is a store copied out of a data directory')
    .action((directory: string, options: CommonOptions & RestoreToOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/restore-to.ts')).restoreTo(invocation, directory, options),
      }),
    );
}
