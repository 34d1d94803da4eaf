import type { Command } from 'commander';
import type { RevokeOptions } from '../commands/trust.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';

export function trust(program: Command, does: Does): void {
  const group = noun(program, 'trust', 'who may seal snapshots, and whose word was withdrawn');
  answering(
    group,
    'revoke',
    'take back trust in what a node has sealed since a moment',
    'lockstep trust revoke cp2 --since 2026-11-20T08:00:00Z --reason "its disk was read"',
    'lockstep trust revoke coordinator/bastion --reason "the host is gone"',
  )
    .argument('<node>', 'its name, or coordinator/NAME')
    .option('--since <time>', 'RFC 3339; now if left out')
    .requiredOption('--reason <text>', 'why; kept with it')
    .action((name: string, options: CommonOptions & RevokeOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/trust.ts')).revokeTrust(invocation, name, options),
      }),
    );
  answering(group, 'list', 'whose word was withdrawn, and since when', 'lockstep trust list')
    .alias('ls')
    .action((options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/trust.ts')).listTrust(invocation),
      }),
    );
}
