import type { Command } from 'commander';
import { collectPlaced, collectText, parseDays } from '../arguments.ts';
import type { InitOptions } from '../commands/init.ts';
import { answering, type CommonOptions, type Does } from './command.ts';

export function about(program: Command, does: Does): void {
  answering(
    program,
    'init',
    'make a CA, identities and configurations; what is there is kept',
    'lockstep init --cluster prod --out ./lockstep-pki \\',
    '    --agent cp1=10.0.0.1 --agent cp2=10.0.0.2 --agent cp3=10.0.0.3 \\',
    '    --coordinator bastion=10.0.0.100 --operator ada',
  )
    .requiredOption('--cluster <name>', 'name of the cluster')
    .requiredOption('--out <dir>', 'where to put everything')
    .option('--agent <node=address>', 'a node, HOST or HOST:PORT; repeat', collectPlaced, [])
    .option(
      '--etcd-host <node=address>',
      'a node whose etcd is a unit of systemd; repeat (optional)',
      collectPlaced,
      [],
    )
    .option('--coordinator <name=address>', 'a coordinator; repeat', collectPlaced, [])
    .option('--operator <name>', 'a person; repeat', collectText, [])
    .option('--nats <name=address>', 'a NATS server; repeat (optional)', collectPlaced, [])
    .option('--valid-days <days>', 'how long the certificates below the CA are valid', parseDays)
    .action((options: InitOptions & CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/init.ts')).init(invocation, options),
      }),
    );

  answering(
    program,
    'version',
    'versions of this program and of the coordinator',
    'lockstep version',
    'lockstep version --client',
  )
    .option('--client', 'this program alone; asks nobody', false)
    .action((options: CommonOptions & { client: boolean }) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/about.ts')).version(invocation, options.client),
      }),
    );

  answering(
    program,
    'doctor',
    'look at everything that must be in order, from here to each node',
    'lockstep doctor',
    'lockstep doctor -o json',
  ).action((options: CommonOptions) =>
    does({
      kind: 'answer',
      options,
      ask: async (invocation) => (await import('../commands/doctor.ts')).doctor(invocation),
    }),
  );

  answering(
    program,
    'explain',
    'what a code means and what to do; without one, all of them',
    'lockstep explain SPACE_TOO_LITTLE',
    'lockstep explain',
  )
    .argument('[code]', 'as it is shown in a message')
    .action((code: string | undefined, options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async () => (await import('../commands/about.ts')).explain(code),
      }),
    );
}
