import type { Command } from 'commander';
import { collectOverride, collectText, parseDurationMs } from '../arguments.ts';
import type { ApproveOptions } from '../commands/restore-approve.ts';
import type { planRestore } from '../commands/restore-plan.ts';
import type { RevertOptions } from '../commands/restore-revert.ts';
import type { runRestore } from '../commands/restore-run.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';
import { type Followed, following, retrying } from './following.ts';

const INTO = 'this cluster’s name, where the snapshot is of another one and is to go into this one';

export function restores(program: Command, does: Does): void {
  const restore = noun(program, 'restore', 'bring the control plane back to a snapshot', 'restores');
  planning(
    answering(
      restore,
      'plan',
      'look at every node and decide; changes nothing',
      'lockstep restore plan s-20261122-114530-7kq2ab',
      'lockstep restore plan s-20261122-114530-7kq2ab --max-outage 90s',
      'lockstep restore plan s-20261122-114530-7kq2ab --without cp3',
      'lockstep restore plan s-20261122-114530-7kq2ab --destroyed cp2 --destroyed cp3',
      'lockstep restore plan s-20261122-114530-7kq2ab --into fresh',
    ),
  )
    .argument('<snapshot>', 'its id')
    .option('--into <cluster>', INTO)
    .action((id: string, options: CommonOptions & Parameters<typeof planRestore>[2]) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/restore-plan.ts')).planRestore(invocation, id, options),
      }),
    );

  following(
    planning(
      answering(
        restore,
        'run',
        'run a plan, and follow it to its end',
        'lockstep restore run s-20261122-114530-7kq2ab',
        'lockstep restore run --plan r-20261122-120000-abc123 --confirm prod',
      ),
    ),
  )
    .argument('[snapshot]', 'plan this one now, show the plan, and run it')
    .option('--into <cluster>', INTO)
    .option('--plan <operation>', 'run this plan')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .action((id: string | undefined, options: CommonOptions & Parameters<typeof runRestore>[2]) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/restore-run.ts')).runRestore(invocation, id, options),
      }),
    );

  answering(
    restore,
    'approve',
    'a second person’s word for a plan that needs one',
    'lockstep restore approve r-20261122-120000-abc123',
    'lockstep restore approve r-20261122-120000-abc123 --confirm prod --reason "both hosts burnt"',
  )
    .argument('<operation>', 'the plan')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .option('--reason <text>', 'why; kept with the approval')
    .action((id: string, options: CommonOptions & ApproveOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/restore-approve.ts')).approvePlan(invocation, id, options),
      }),
    );

  answering(restore, 'list', 'the operations, latest first', 'lockstep restore list')
    .alias('ls')
    .action((options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/operations.ts')).listOperations(invocation),
      }),
    );

  retrying(
    answering(
      restore,
      'watch',
      'follow an operation; Ctrl-C detaches',
      'lockstep restore watch',
      'lockstep restore watch r-20261122-120000-abc123 -o json',
    ),
  )
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: Followed) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/operations.ts')).watch(invocation, id, options.retryFor),
      }),
    );

  answering(
    restore,
    'status',
    'where an operation stands, and what is true on each node',
    'lockstep restore status',
  )
    .alias('show')
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/operations.ts')).showStatus(invocation, id),
      }),
    );

  following(
    answering(restore, 'resume', 'read the ledgers and go on, forward or back', 'lockstep restore resume'),
  )
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: Followed) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/operations.ts')).resume(invocation, id, options),
      }),
    );

  following(
    answering(
      restore,
      'abort',
      'bring the old store back; refused after the commit',
      'lockstep restore abort r-20261122-120000-abc123 --reason "wrong snapshot"',
    ),
  )
    .argument('<operation>', 'which')
    .option('--reason <text>', 'why; kept with the operation')
    .action((id: string, options: Followed) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/operations.ts')).abort(invocation, id, options),
      }),
    );

  following(
    planning(
      answering(
        restore,
        'revert',
        'take a restore back: to what it keeps; what was written since dies',
        'lockstep restore revert r-20261122-120000-abc123',
        'lockstep restore revert r-20261122-120000-abc123 --reason "wrong snapshot" --confirm prod',
      ),
    ),
  )
    .argument('<operation>', 'the restore to take back')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .action((id: string, options: CommonOptions & RevertOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/restore-revert.ts')).revert(invocation, id, options),
      }),
    );

  answering(
    restore,
    'report',
    'what was done, how long it took, what to do now',
    'lockstep restore report',
    'lockstep restore report -o wide',
  )
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/operations.ts')).showReport(invocation, id),
      }),
    );
}

function planning(command: Command): Command {
  return command
    .option('--reason <text>', 'why; kept with the plan')
    .option(
      '--max-outage <time>',
      'bring the old store back if the proof is not there by then (90s, 2m)',
      parseDurationMs,
    )
    .option(
      '--override <code=reason>',
      'go on in spite of a refusal that allows it; repeat',
      collectOverride,
      [],
    )
    .option(
      '--without <node>',
      'leave a node out that is away, where those left out are no quorum; repeat',
      collectText,
      [],
    )
    .option(
      '--destroyed <node>',
      'leave a node out that is gone for good; a second person approves; repeat',
      collectText,
      [],
    );
}
