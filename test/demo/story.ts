import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { floor } from '../bench/contenders/floor.ts';
import { measure } from '../bench/measure.ts';
import type { Lab } from '../lab/lab.ts';
import { Prober } from '../lab/prober/prober.ts';
import { baseline, type Digests, load } from './baseline.ts';
import { check, type Verdict } from './checker.ts';
import { HeldWatcher } from './held-watcher.ts';
import { type Intrusion, intrude, MINER_CONTAINER } from './intrusion.ts';
import { adminClient, adminFiles, apiServers, clusterCa, etcdctls, etcdStore } from './lab-access.ts';
import {
  canBump,
  type PhaseTime,
  planRestore,
  reportRestore,
  runRestore,
  type SavedSnapshot,
  saveSnapshot,
} from './lockstep.ts';
import { grouped, megabytes, type Narrator } from './narrator.ts';

/** The demo's one answer, as `-o json` prints it. */
export interface DemoResult {
  readonly outcome: string;
  readonly nodes: number;
  readonly etcdVersion: string;
  readonly snapshot: Omit<SavedSnapshot, 'id'>;
  readonly intrusion: Verdict['intrusion'];
  readonly baseline: Verdict['baseline'];
  readonly hashKv: { readonly equal: boolean; readonly revision: number };
  readonly outageMs: number;
  readonly floorMs: number;
  readonly phases: readonly PhaseTime[];
}

const SEED = 20_261_122;
const POLL_MS = 50;
/** Writes flow that long before and after the restore, so that both ends of the outage are seen. */
const SETTLE_MS = 1_000;
const MINER_TIMEOUT_MS = 30_000;
const TOLD_TIMEOUT_MS = 15_000;
const PODS = '/api/v1/pods';

/** Plays the whole story on a lab that is up. Rejects where a step cannot be done; what is not proven is in the result. */
export async function play(
  lab: Lab,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<{ readonly result: DemoResult; readonly proven: boolean }> {
  const digests = await fill(lab, narrator);

  narrator.chapter('A snapshot', 'taken by an agent from a healthy follower, and proven while it is written');
  const snapshot = await timed(() => saveSnapshot(lab));
  const { id, ...facts } = snapshot.value;
  narrator.line(
    `${id}: revision ${facts.revision}, ${grouped(facts.totalKey)} keys, ${megabytes(facts.bytes)}`,
    snapshot.ms,
  );

  await using watchers = await hold(lab, signal);
  const intrusion = await beIntruded(lab, narrator, signal);

  narrator.chapter('The plan', 'every node is inspected and everything is decided before anything is done');
  const planned = await planRestore(lab, id);
  if (!canBump(lab))
    narrator.line(`etcd ${lab.etcdTools.version} cannot bump its revision: overridden, with a reason`);
  narrator.quote(planned.page);

  const heldRevision = watchers.lastRevision();
  narrator.chapter(
    'The restore',
    'everything is built and proven before downtime begins; then all nodes in lockstep',
  );
  const outageMs = await restore(lab, planned.operationId, narrator, signal);
  const report = await reportRestore(lab, planned.operationId);

  narrator.chapter('The proof', "etcd's own client against each member, and nothing of Lockstep");
  const verdict = await check(etcdctls(lab), {
    digests,
    intrusion,
    heldRevision,
    snapshotRevision: BigInt(facts.revision),
  });
  const minersGone = await waitMiners(lab, 0, signal);
  const told = canBump(lab) ? await watchers.told(signal) : [];
  const proven = tellProof(narrator, { lab, verdict, minersGone, told, watchers: watchers.count });

  narrator.chapter(
    'The outage',
    'from the last write that worked to the first that works again, as clients saw it',
  );
  const { outageMs: floorMs } = await measure(lab, floor, signal);
  narrator.bars([
    { name: 'this restore', ms: outageMs, note: '' },
    { name: 'the floor', ms: floorMs, note: 'the same processes killed and started again, nothing restored' },
  ]);

  return {
    proven: proven && report.outcome === 'restored',
    result: {
      outcome: proven ? report.outcome : 'failed',
      nodes: lab.nodes.length,
      etcdVersion: lab.etcdTools.version,
      snapshot: facts,
      intrusion: verdict.intrusion,
      baseline: verdict.baseline,
      hashKv: { equal: verdict.hashKv.equal, revision: Number(verdict.hashKv.revision) },
      outageMs,
      floorMs,
      phases: withInspection(report.phases, planned.ms),
    },
  };
}

/** A cluster of some teams, straight into etcd. */
async function fill(lab: Lab, narrator: Narrator): Promise<Digests> {
  using store = etcdStore(lab);
  const loaded = await timed(async () =>
    load(
      store,
      baseline({
        seed: SEED,
        caPem: await clusterCa(lab),
        controlPlane: lab.nodes,
        kubernetesVersion: lab.description.kubernetesVersion,
      }),
    ),
  );
  const { digests, bytes } = loaded.value;
  narrator.line(
    `${grouped(digests.size)} objects, ${megabytes(bytes)}, stored as kube-apiserver stores them`,
    loaded.ms,
  );
  return digests;
}

async function beIntruded(lab: Lab, narrator: Narrator, signal: AbortSignal): Promise<Intrusion> {
  narrator.chapter('An intrusion', 'someone has an administrator’s certificate');
  using api = adminClient(lab);
  const intrusion = await intrude(
    api,
    lab.nodes.map(({ name }) => name),
    signal,
  );
  const mining = await waitMiners(lab, 1, signal);
  narrator.line(`a cryptominer in a DaemonSet; its pods run on ${mining ? 'every node' : 'some nodes'}`);
  narrator.line('a service account bound to cluster-admin, with a token that does not expire');
  narrator.line(`${intrusion.deleted.length} events deleted, ${intrusion.changed.length} secrets changed`);
  return intrusion;
}

/** The outage that clients saw. */
async function restore(
  lab: Lab,
  operationId: string,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<number> {
  await using prober = await Prober.start(apiServers(lab), adminFiles(lab), signal);
  await delay(SETTLE_MS, undefined, { signal });
  await runRestore(lab, operationId, ({ name, ms }) => narrator.line(name, ms));
  await prober.waitUp(signal);
  await delay(SETTLE_MS, undefined, { signal });
  await prober.waitUp(signal);
  return prober.stop();
}

interface Watchers extends AsyncDisposable {
  readonly count: number;
  lastRevision(): bigint;
  /** What each was told, once all were told or the time is over. */
  told(signal: AbortSignal): Promise<readonly string[]>;
}

/** One client for each API server that holds a watch throughout, as controllers do. */
async function hold(lab: Lab, signal: AbortSignal): Promise<Watchers> {
  const stack = new DisposableStack();
  const held: HeldWatcher[] = [];
  for (const server of apiServers(lab)) {
    held.push(stack.use(await HeldWatcher.hold(stack.use(adminClient(lab, server)), PODS, signal)));
  }
  const words = (): string[] =>
    held.map(({ toldExpired }) => toldExpired).filter((word) => word !== undefined);
  return {
    count: held.length,
    lastRevision: () => held.reduce((last, { revision }) => (revision > last ? revision : last), 0n),
    async told(callerSignal) {
      const all = {
        describe: () => 'all watchers were told',
        check: async () => words().length === held.length,
      };
      await waitFor(
        all,
        POLL_MS,
        AbortSignal.any([callerSignal, AbortSignal.timeout(TOLD_TIMEOUT_MS)]),
      ).catch(() => undefined);
      callerSignal.throwIfAborted();
      return words();
    },
    [Symbol.asyncDispose]: async () => stack.dispose(),
  };
}

/** Whether every node came to run that many miners in time. */
async function waitMiners(lab: Lab, perNode: number, signal: AbortSignal): Promise<boolean> {
  const check = async (): Promise<boolean> =>
    lab.nodes.every((node) => node.containers(MINER_CONTAINER).length === perNode);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(MINER_TIMEOUT_MS)]);
  await waitFor({ describe: () => `${perNode} miners on each node`, check }, POLL_MS, limit).catch(
    () => undefined,
  );
  signal.throwIfAborted();
  return check();
}

function tellProof(
  narrator: Narrator,
  found: {
    readonly lab: Lab;
    readonly verdict: Verdict;
    readonly minersGone: boolean;
    readonly told: readonly string[];
    readonly watchers: number;
  },
): boolean {
  const { verdict, lab, told } = found;
  const { intrusion, baseline: kept, hashKv, members } = verdict;
  const isClean = intrusion.remaining === 0 && found.minersGone;
  const isWhole = kept.missing === 0 && kept.changed === 0;
  narrator.proof(
    isClean,
    isClean
      ? `none of the intruder's ${intrusion.objects} deeds stands; no node runs the miner`
      : `${intrusion.remaining} of the intruder's deeds stand; the miner is ${found.minersGone ? 'gone' : 'still running'}`,
  );
  narrator.proof(
    isWhole,
    isWhole
      ? `all ${grouped(kept.objects)} objects are there, byte for byte, on every member`
      : `${kept.missing} objects are missing and ${kept.changed} changed, of ${grouped(kept.objects)}`,
  );
  narrator.proof(
    hashKv.equal,
    `${members.length} members of ${lab.nodes.length} are healthy; at revision ${hashKv.revision} their hashes are ${hashKv.equal ? 'equal' : 'NOT equal'}`,
  );
  if (!canBump(lab)) {
    narrator.line(
      `– etcd ${lab.etcdTools.version} cannot bump its revision: watchers are not told, clients must be restarted`,
    );
    return isClean && isWhole && hashKv.equal;
  }
  const silent = members.filter(({ watch }) => watch !== 'compacted');
  const areTold = told.length === found.watchers && silent.length === 0;
  narrator.proof(
    areTold,
    `${told.length} of ${found.watchers} held watchers were told that their revision is gone${told[0] === undefined ? '' : ` (“${told[0]}”)`}`,
  );
  return isClean && isWhole && hashKv.equal && areTold;
}

/** Inspection is the plan's, before there is an operation to report: as long as `restore plan` took. */
function withInspection(phases: readonly PhaseTime[], planMs: number): PhaseTime[] {
  return phases.some(({ name }) => name === 'inspect')
    ? [...phases]
    : [{ name: 'inspect', ms: planMs }, ...phases];
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const beginMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - beginMs };
}
