import type { Command } from 'commander';
import { collectText } from '../arguments.ts';
import type { CopyOptions, FetchOptions } from '../commands/snapshot-copies.ts';
import { answering, type CommonOptions, type Does } from './command.ts';

export function copies(snapshot: Command, does: Does): void {
  answering(
    snapshot,
    'copy',
    'put copies on further nodes, or into stores',
    'lockstep snapshot copy s-20261122-114530-7kq2ab --to-node cp3 --to-store offsite',
  )
    .argument('<id>', 'the snapshot')
    .option('--to-node <name>', 'onto this node’s disk; repeat', collectText, [])
    .option('--to-store <name>', 'into this store of the coordinator’s; repeat', collectText, [])
    .action((id: string, options: CommonOptions & CopyOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/snapshot-copies.ts')).copySnapshot(invocation, id, options),
      }),
    );

  answering(
    snapshot,
    'fetch',
    'bring a copy from a store onto a node, and prove it there',
    'lockstep snapshot fetch s-20261122-114530-7kq2ab --identity ./key.txt',
    'lockstep snapshot fetch s-20261122-114530-7kq2ab --store offsite --node cp2 --identity ./key.txt',
  )
    .argument('<id>', 'the snapshot')
    .option('--store <name>', 'from this store, instead of the first that has it')
    .option('--node <name>', 'onto this node, instead of one with a healthy member')
    .option('--identity <file>', 'of age-keygen; read here alone, and only where the copy is encrypted')
    .action((id: string, options: CommonOptions & FetchOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/snapshot-copies.ts')).fetchSnapshot(invocation, id, options),
      }),
    );
}
