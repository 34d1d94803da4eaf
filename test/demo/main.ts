import { parseArgs } from 'node:util';
import { Lab } from '../lab/lab.ts';
import { Narrator, seconds } from './narrator.ts';
import { play } from './story.ts';

const USAGE = `Usage: node test/demo/main.ts [--nodes N] [--etcd VERSION] [-o json]

A control plane of three nodes on this machine, an intrusion, and one command that takes it back.

  --nodes N        control-plane nodes (3)
  --etcd VERSION   3.5 or 3.5.16; the newest found where left out
  -o json          one JSON document on standard output; the story goes to standard error
`;
const USAGE_ERROR = 2;
/** The story's limit once the lab is up: it shall take less than three minutes. */
const TIMEOUT_MS = 240_000;

async function main(): Promise<number> {
  // gRPC warns that a server's name may not be an address; kubeadm's are.
  (process as { noDeprecation?: boolean }).noDeprecation = true;
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '3' },
      etcd: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', default: false },
    },
  });
  const nodes = Number(values.nodes);
  const isUsable = Number.isInteger(nodes) && nodes >= 1 && ['text', 'json'].includes(values.output);
  if (values.help || !isUsable) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : USAGE_ERROR;
  }
  const asJson = values.output === 'json';
  const narrator = new Narrator(asJson ? process.stderr : process.stdout);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));

  try {
    const { result, proven } = await present(nodes, values.etcd, narrator, interrupted.signal);
    if (asJson) process.stdout.write(`${JSON.stringify(result)}\n`);
    return proven ? 0 : 1;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\n${message}\n`);
    if (asJson) process.stdout.write(`${JSON.stringify({ outcome: 'failed', message })}\n`);
    return 1;
  }
}

async function present(
  nodes: number,
  etcdVersion: string | undefined,
  narrator: Narrator,
  interrupted: AbortSignal,
): ReturnType<typeof play> {
  narrator.title('Lockstep: a control plane, taken back to before an intrusion');
  narrator.chapter(
    'A healthy cluster',
    `${nodes} nodes on this machine: real etcd, agents and coordinator; stand-ins for kubelet, containerd and API server`,
  );
  const beginMs = performance.now();
  await using lab = await Lab.up({
    nodes,
    ...(etcdVersion === undefined ? {} : { etcdVersion }),
    signal: interrupted,
  });
  narrator.line(`etcd ${lab.etcdTools.version}, with kubeadm's flags`, performance.now() - beginMs);
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(TIMEOUT_MS)]);
  const played = await play(lab, narrator, signal);
  narrator.title(
    played.proven
      ? `Restored and proven, in ${seconds(performance.now() - beginMs).trim()} from nothing.`
      : 'NOT proven: see above.',
  );
  return played;
}

process.exitCode = await main();
