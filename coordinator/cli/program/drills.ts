import type { Command } from 'commander';
import type { DrillOptions } from '../commands/drills.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';

export function drills(program: Command, does: Does): void {
  const drill = noun(program, 'drill', 'prove that a snapshot can be restored', 'drills');
  answering(
    drill,
    'run',
    'restore a snapshot into a scratch place on a node, and prove it there',
    'lockstep drill run',
    'lockstep drill run s-20261122-114530-7kq2ab --node cp3',
    'lockstep drill run s-20261122-114530-7kq2ab --store offsite --identity key.txt',
  )
    .argument('[snapshot]', 'its id; the newest that is not known to be bad if left out')
    .option('--node <name>', 'on this node, instead of whichever it disturbs least')
    .option('--store <name>', 'the copy in this store, brought to a node for the drill alone')
    .option('--identity <file>', 'of age-keygen: opens an encrypted copy; read here alone')
    .action((id: string | undefined, options: CommonOptions & DrillOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/drills.ts')).runDrill(invocation, id, options),
      }),
    );
  answering(
    drill,
    'list',
    'when each snapshot was last proven, and how long a restore would take',
    'lockstep drill list',
    'lockstep drill list -o wide',
  )
    .alias('ls')
    .action((options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/drills.ts')).listDrills(invocation),
      }),
    );
}
