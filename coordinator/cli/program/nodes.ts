import type { Command } from 'commander';
import type { RejoinOptions } from '../commands/node-rejoin.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';
import { following } from './following.ts';

export function nodes(program: Command, does: Does): void {
  const node = noun(program, 'node', 'the nodes and what their agents see', 'nodes', 'no');
  answering(node, 'list', 'every node in a line', 'lockstep node list', 'lockstep node list -o wide')
    .alias('ls')
    .action((options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/nodes.ts')).listNodes(invocation),
      }),
    );
  answering(node, 'show', 'one node, whole', 'lockstep node show cp1')
    .alias('get')
    .argument('<node>', 'its name')
    .action((name: string, options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) => (await import('../commands/nodes.ts')).showNode(invocation, name),
      }),
    );
  rejoining(node, does);
}

function rejoining(node: Command, does: Does): void {
  following(
    answering(
      node,
      'rejoin',
      'bring a node back that a restore left out; its old store is kept',
      'lockstep node rejoin cp3',
      'lockstep node rejoin cp3 --confirm prod --reason "its host is mended"',
    ),
  )
    .argument('<node>', 'its name')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .option('--reason <text>', 'why; kept with the plan')
    .action((name: string, options: CommonOptions & RejoinOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/node-rejoin.ts')).rejoinNode(invocation, name, options),
      }),
    );
}
