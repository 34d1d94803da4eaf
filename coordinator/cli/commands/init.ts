import { join, relative } from 'node:path';
import type { Placed } from '../../pki/endpoint.ts';
import type { Answer } from '../answer.ts';
import type { Invocation } from '../invocation.ts';
import { heading, tone, wrap } from '../render/layout.ts';
import { command } from '../render/plan.ts';
import { plural } from '../render/units.ts';

export interface InitOptions {
  readonly cluster: string;
  readonly out: string;
  readonly agent: readonly Placed[];
  readonly etcdHost: readonly Placed[];
  readonly coordinator: readonly Placed[];
  readonly operator: readonly string[];
  readonly nats: readonly Placed[];
  readonly validDays?: number;
}

export async function init(invocation: Invocation, options: InitOptions): Promise<Answer> {
  // Certificates take many modules that no other command needs: they are loaded when they are.
  const { initPki } = await import('../../pki/init.ts');
  const written = await initPki({
    cluster: options.cluster,
    outDir: options.out,
    agents: options.agent,
    etcdHosts: options.etcdHost,
    coordinators: options.coordinator,
    operators: options.operator,
    nats: options.nats,
    ...(options.validDays === undefined ? {} : { leafValidDays: options.validDays }),
    nowMs: invocation.terminal.nowMs(),
  });
  const short = (path: string): string => relative(options.out, path);
  return {
    data: { ...written },
    names: written.created,
    render: (layout) => [
      heading(
        layout,
        `${options.cluster}: ${plural(written.created.length, 'file')} made in ${options.out}, ${written.kept.length} kept`,
      ),
      ...(layout.wide ? written.created.map((path) => `  + ${short(path)}`) : []),
      ...(written.differing.length === 0
        ? []
        : [
            '',
            ...wrap(
              layout,
              'Kept as they are, though these options would write them differently. Edit them, or remove them and run this again:',
            ).map((line) => tone(layout, 'yellow', line)),
            ...written.differing.map((path) => `  ${short(path)}`),
          ]),
      '',
      ...wrap(
        layout,
        `Bring each directory under agents/ to /etc/lockstep on its node (deploy/README.md says where each file goes), and keep ca.key off every machine of the cluster.`,
      ),
      ...(options.operator.length === 0 || options.coordinator.length === 0
        ? []
        : [
            '',
            'Then:',
            ...command(layout, `export LOCKSTEP_CONFIG=${join(options.out, 'config.yaml')}`),
            ...command(layout, 'lockstep doctor'),
          ]),
    ],
  };
}
