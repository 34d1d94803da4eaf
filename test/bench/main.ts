import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { baseline, load } from '../demo/baseline.ts';
import { clusterCa, etcdStore } from '../demo/lab-access.ts';
import { saveSnapshot } from '../demo/lockstep.ts';
import { Lab } from '../lab/lab.ts';
import { timings } from '../lab/timings.ts';
import type { Contender } from './contender.ts';
import { bareFloor, floor } from './contenders/floor.ts';
import { lockstep } from './contenders/lockstep.ts';
import { goodScript, knowingScript, runbook } from './contenders/runbook.ts';
import { type Measurement, measure } from './measure.ts';
import { type BenchResult, contenderResult, table } from './table.ts';
import { seconds, verdicts } from './verdict.ts';

const USAGE = `Usage: node test/bench/main.ts [--runs N] [--nodes N] [--etcd VERSION] [-o json]

How long clients are without the API while a control plane is restored: Lockstep, the floor, the classic
runbook and a good script, on one lab, in turns, seen by the same prober.

  --runs N         of each contender (5)
  --nodes N        control-plane nodes (3)
  --etcd-hosts N   etcd on hosts of its own, as a unit; Lockstep and the floor alone
  --etcd VERSION   3.5 or 3.5.16; the newest found where left out
  -o json          one JSON document on standard output; progress goes to standard error
`;
const USAGE_ERROR = 2;
const SEED = 20_261_122;
const RUN_TIMEOUT_MS = 180_000;

async function main(): Promise<number> {
  // gRPC warns that a server's name may not be an address; kubeadm's are.
  (process as { noDeprecation?: boolean }).noDeprecation = true;
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      nodes: { type: 'string', default: '3' },
      'etcd-hosts': { type: 'string', default: '0' },
      etcd: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  const nodes = Number(values.nodes);
  const etcdHosts = Number(values['etcd-hosts']);
  const isUsable =
    [runs, nodes].every((count) => Number.isInteger(count) && count >= 1) &&
    Number.isInteger(etcdHosts) &&
    etcdHosts >= 0;
  if (values.help || !isUsable || !['text', 'json'].includes(values.output)) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : USAGE_ERROR;
  }
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);

  await using lab = await Lab.up({
    nodes,
    etcdHosts,
    ...(values.etcd === undefined ? {} : { etcdVersion: values.etcd }),
    say,
    signal: interrupted.signal,
  });
  const contenders = await prepareContenders(lab);
  const result = await compare(lab, contenders, { runs, say, signal: interrupted.signal });
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(result)}\n` : table(result));
  return result.verdicts.every(({ holds }) => holds) ? 0 : 1;
}

/** The demo's cluster, and one snapshot of it for each way to restore it. */
async function prepareContenders(lab: Lab): Promise<readonly Contender[]> {
  using store = etcdStore(lab);
  const { kubernetesVersion } = lab.description;
  const caPem = await clusterCa(lab);
  await load(store, baseline({ seed: SEED, caPem, controlPlane: lab.controlPlanes, kubernetesVersion }));
  const { id: snapshotId } = await saveSnapshot(lab);
  const snapshotPath = join(lab.directory, 'snapshot.db');
  const { exitCode, stderr } = await lab.etcdctl(lab.nodes[0]?.name ?? '', [
    'snapshot',
    'save',
    snapshotPath,
  ]);
  if (exitCode !== 0) throw new Error(`etcdctl snapshot save: ${stderr}`);
  // By hand and by script a control plane is restored where its member is.
  if (lab.etcdHosts.some(({ role }) => role === 'etcd')) return [lockstep({ snapshotId }), floor];
  return [
    lockstep({ snapshotId }),
    floor,
    bareFloor(),
    goodScript({ snapshotPath }),
    knowingScript({ snapshotPath }),
    runbook({ snapshotPath }),
  ];
}

/** In turns, so that whatever slows the machine down for a while slows all of them down. */
async function compare(
  lab: Lab,
  contenders: readonly Contender[],
  options: { readonly runs: number; readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<BenchResult> {
  const measured = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  for (let run = 1; run <= options.runs; run += 1) {
    for (const contender of contenders) {
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(RUN_TIMEOUT_MS)]);
      const measurement = await measure(lab, contender, signal);
      measured.get(contender)?.push(measurement);
      options.say(`run ${run} of ${options.runs}: ${contender.name} ${seconds(measurement.outageMs)}`);
    }
  }
  const results = contenders.map((contender) => contenderResult(contender, measured.get(contender) ?? []));
  return {
    nodes: lab.nodes.length,
    etcdVersion: lab.etcdTools.version,
    runs: options.runs,
    contenders: results,
    verdicts: verdicts(Object.fromEntries(results.map(({ name, outagesMs }) => [name, outagesMs]))),
    timings,
  };
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
