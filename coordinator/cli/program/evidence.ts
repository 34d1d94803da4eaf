import type { Command } from 'commander';
import { collectText, parseSize } from '../arguments.ts';
import type { GatherOptions } from '../commands/evidence/gather.ts';
import type { VerifyOptions } from '../commands/evidence/read.ts';
import { answering, type CommonOptions, type Does, noun } from './command.ts';

const FILE = 'an archive that `lockstep evidence gather` made';

export function evidence(program: Command, does: Does): void {
  const group = noun(program, 'evidence', 'what the store does not hold, from the nodes themselves');
  answering(
    group,
    'gather',
    'one sealed archive of each node: manifests, configuration, logs, listeners, keys and units',
    'lockstep evidence gather -d ./incident-42 --reason "INC-42"',
    'lockstep evidence gather -d ./incident-42 --node cp2 --exclude pod-logs',
    'lockstep evidence gather -d ./incident-42 --include static-pods --include store',
  )
    .requiredOption('-d, --dir <directory>', 'where to; made where it is not there, for its owner alone')
    .option('--node <name>', 'of this node alone; repeat', collectText, [])
    .option(
      '--include <collector>',
      'this and no other; repeat. Of: listeners, containers, static-pods, kubelet, api-server, ssh-keys, units, cron, audit-logs, pod-logs, and store, which is only gathered by name',
      collectText,
      [],
    )
    .option('--exclude <collector>', 'all but this; repeat', collectText, [])
    .option('--reason <text>', 'why, for the chain of custody')
    .option('--max-bytes <size>', 'of each node before compression, such as 200M', parseSize)
    .action((options: CommonOptions & GatherOptions) =>
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/evidence/gather.ts')).gatherEvidence(invocation, options),
      }),
    );
  answering(
    group,
    'show',
    'what an archive holds, and what was seen and not taken',
    'lockstep evidence show ./incident-42/e-20261122-231500-7kq2ab-cp1.tar.zst',
  )
    .argument('<file>', FILE)
    .action((file: string, options: CommonOptions) =>
      does({
        kind: 'answer',
        options,
        onlyReads: true,
        ask: async (invocation) =>
          (await import('../commands/evidence/read.ts')).showEvidence(invocation, file),
      }),
    );
  answering(
    group,
    'verify',
    'whether it is what its agent sealed; 8 where a digest or the seal does not hold',
    'lockstep evidence verify ./incident-42/e-20261122-231500-7kq2ab-cp1.tar.zst --ca ./ca.crt',
  )
    .argument('<file>', FILE)
    .option('--ca <file>', 'the CA of the cluster that it was gathered in, instead of the context’s')
    .action((file: string, options: CommonOptions & VerifyOptions) =>
      does({
        kind: 'answer',
        options,
        onlyReads: true,
        ask: async (invocation) =>
          (await import('../commands/evidence/read.ts')).verifyEvidence(invocation, file, options),
      }),
    );
}
