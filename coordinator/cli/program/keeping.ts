import type { Command } from 'commander';
import { collectText } from '../arguments.ts';
import type { DeleteOptions, PinOptions } from '../commands/keeping.ts';
import { answering, type CommonOptions, type Does } from './command.ts';

/** What keeps a snapshot, and what lets it go. */
export function keeping(snapshot: Command, does: Does): void {
  answering(
    snapshot,
    'pin',
    'keep a snapshot from being deleted',
    'lockstep snapshot pin s-20261122-114530-7kq2ab --reason "before the migration"',
    'lockstep snapshot pin s-20261122-114530-7kq2ab --reason "incident 4711" --evidence',
  )
    .argument('<id>', 'of the snapshot')
    .requiredOption('--reason <text>', 'why; kept beside every copy')
    .option('--evidence', 'for good: only a purge that a second person approves deletes it', false)
    .action((id: string, options: CommonOptions & PinOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/keeping.ts')).pinSnapshot(invocation, id, options),
      }),
    );

  answering(
    snapshot,
    'unpin',
    'take every pin off that is not evidence',
    'lockstep snapshot unpin s-20261122-114530-7kq2ab',
  )
    .argument('<id>', 'of the snapshot')
    .action((id: string, options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/keeping.ts')).unpinSnapshot(invocation, id),
      }),
    );

  answering(
    snapshot,
    'delete',
    'delete a snapshot, everywhere or from some places',
    'lockstep snapshot delete s-20261122-114530-7kq2ab --confirm prod --reason "holds personal data"',
    'lockstep snapshot delete s-20261122-114530-7kq2ab --from cp2 --confirm prod --reason "disk full"',
    'lockstep snapshot delete s-20261122-114530-7kq2ab --approve p-20261122-114530-k3q9zt --confirm prod',
  )
    .alias('rm')
    .argument('<id>', 'of the snapshot')
    .option('--from <place>', 'a node or a store; repeat; everywhere where left out', collectText, [])
    .option('--confirm <cluster>', 'the name of the cluster; without it nothing is deleted')
    .option('--reason <text>', 'why; kept in the audit of each agent')
    .option('--approve <purge>', 'as a second person: a purge of something protected')
    .action((id: string, options: CommonOptions & DeleteOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/keeping.ts')).deleteSnapshot(invocation, id, options),
      }),
    );

  answering(
    snapshot,
    'prune',
    'delete what retention lets go, and say why of each',
    'lockstep snapshot prune --dry-run',
    'lockstep snapshot prune',
  )
    .option('--dry-run', 'only say', false)
    .action((options: CommonOptions & { dryRun: boolean }) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/keeping.ts')).pruneSnapshots(invocation, options.dryRun),
      }),
    );

  answering(
    snapshot,
    'schedule',
    'what is taken and drilled when, and how it went last',
    'lockstep snapshot schedule',
  )
    .alias('schedules')
    .action((options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/keeping.ts')).listSchedules(invocation),
      }),
    );
}
