import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Lab } from './lab.ts';

const USAGE = `Usage: node test/lab/main.ts up [--nodes N] [--etcd VERSION] [--nats[=N]] [--dir D] [--detach]
       node test/lab/main.ts down --dir D

A Kubernetes control plane on this machine: real etcd and Lockstep, stand-ins for what is around them.

up      brings a lab up and stays until Ctrl-C, which takes it down
down    takes a detached lab down and removes its directory

  --nodes N        control-plane nodes (3)
  --etcd VERSION   3.5 or 3.5.16; the newest found where left out
  --nats           with one NATS server; --nats-servers 3 for three
  --dir D          a short path for the lab's files; a new temporary one where left out
  --no-lockstep    without agents and coordinator
  --detach         leaves the lab running

Examples:
  node test/lab/main.ts up --nodes 5 --etcd 3.6
  node test/lab/main.ts up --detach --dir /tmp/lab && node test/lab/main.ts down --dir /tmp/lab
`;

const USAGE_ERROR = 2;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      nodes: { type: 'string', default: '3' },
      etcd: { type: 'string' },
      nats: { type: 'boolean', default: false },
      'nats-servers': { type: 'string' },
      dir: { type: 'string' },
      'no-lockstep': { type: 'boolean', default: false },
      detach: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [verb] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (verb === 'down' && values.dir !== undefined) {
    await Lab.open(values.dir).down();
    return 0;
  }
  const nodes = Number(values.nodes);
  if (verb !== 'up' || !Number.isInteger(nodes) || nodes < 1) {
    process.stderr.write(USAGE);
    return USAGE_ERROR;
  }
  const lab = await Lab.up({
    nodes,
    nats: values['nats-servers'] === '3' ? 3 : values.nats,
    lockstep: !values['no-lockstep'],
    detached: values.detach,
    say: (line) => process.stderr.write(`${line}\n`),
    ...(values.etcd === undefined ? {} : { etcdVersion: values.etcd }),
    ...(values.dir === undefined ? {} : { directory: values.dir }),
  });
  process.stdout.write(describe(lab));
  if (values.detach) return 0;
  process.stderr.write('Ctrl-C takes it down.\n');
  // A listener for a signal alone does not keep a process alive.
  const alive = setInterval(() => {}, 60_000);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  clearInterval(alive);
  await lab.down();
  return 0;
}

/** What runs where, and what to type. */
function describe(lab: Lab): string {
  const stack = `etcd ${lab.etcdTools.version}, API server, kubelet`;
  const rows = [
    ...lab.nodes.map(({ name, address }) => [
      name,
      address,
      lab.description.lockstep ? `${stack}, agent` : stack,
    ]),
    ...(lab.description.lockstep ? [['coordinator', lab.coordinatorAddress, '']] : []),
    ...lab.natsServers.map(({ name }, index) => [name, lab.natsAddresses[index] ?? '', 'NATS']),
  ];
  const table = rows.map(([name = '', address = '', what = '']) =>
    `${name.padEnd(14)}${address.padEnd(20)}${what}`.trimEnd(),
  );
  return [
    ...table,
    '',
    `files       ${lab.directory}`,
    ...(lab.description.lockstep ? [`lockstep    LOCKSTEP_CONFIG=${lab.commandLineConfig}`] : []),
    `take down   node test/lab/main.ts down --dir ${lab.directory}`,
    '',
  ].join('\n');
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
process.exit();
