import { parsePoint } from '../failpoints/point.ts';
import { whyNeverCrossed } from './calls.ts';
import { TormentedCluster } from './cluster.ts';
import { isWell, lineOf, Results } from './results.ts';
import { type Batch, nextBatch } from './schedule.ts';
import { callOf, type Target, targetsOf } from './target.ts';

/** After that a point counts as one that cannot be reached. */
const MAX_ATTEMPTS = 4;

export interface MatrixOptions {
  readonly program: 'agent' | 'coordinator';
  /** The points at k, k + n, k + 2 n, …: `k/n`. */
  readonly shard: { readonly index: number; readonly count: number };
  /** Goes on where an earlier run was cut short. */
  readonly resume: boolean;
  readonly say: (line: string) => void;
}

export interface MatrixReport {
  readonly targets: readonly Target[];
  /** Operations that ended otherwise than restored or rolled back, or with something not as it must be. */
  readonly unwell: readonly string[];
  /** Points that nothing was killed at. */
  readonly unreached: readonly string[];
  /** Calls that no recording crossed and that calls.ts gives no reason for; and reasons for calls that were. */
  readonly uncrossed: readonly string[];
  readonly needlessReasons: readonly string[];
  readonly operations: number;
  readonly durationMs: number;
}

/** Kills a program once at every point that an operation crosses, and looks what becomes of the operation. */
export async function runMatrix(options: MatrixOptions): Promise<MatrixReport> {
  const { program, shard, resume, say } = options;
  const beganMs = Date.now();
  const results = new Results(`${program}-${shard.index}-of-${shard.count}`, resume);
  let cluster = await TormentedCluster.up();
  try {
    const { targets, uncrossed, needlessReasons } = await discover(cluster, program);
    const own = targets.filter((_, index) => index % shard.count === shard.index - 1);
    say(`${own.length} of ${targets.length} points of the ${program}`);
    const proven = results.proven;
    const waiting = own.filter(({ name }) => !proven.has(name));
    const attempts = new Map<Target, number>();
    const unreached: string[] = [];
    const programs = program === 'agent' ? cluster.agents : ['coordinator'];
    for (;;) {
      const everywhere = new Set([...attempts].filter(([, times]) => times > 1).map(([target]) => target));
      const batch = nextBatch(waiting, programs, everywhere);
      if (batch === undefined) break;
      cluster = await tormented(cluster, batch, results, say);
      const killed = new Set(results.rows.at(-1)?.killed.map(({ point }) => point));
      for (const { target } of batch.kills.filter(({ target: { name } }) => !killed.has(name))) {
        const times = (attempts.get(target) ?? 0) + 1;
        attempts.set(target, times);
        if (times < MAX_ATTEMPTS) waiting.push(target);
        else unreached.push(target.name);
      }
    }
    return {
      targets: own,
      unwell: results.rows.filter((row) => !isWell(row)).map(lineOf),
      unreached,
      uncrossed,
      needlessReasons,
      operations: results.rows.length,
      durationMs: Date.now() - beganMs,
    };
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
}

/** One batch; on a new cluster afterwards where this one is left in a state that is not well. */
async function tormented(
  cluster: TormentedCluster,
  batch: Batch,
  results: Results,
  say: (line: string) => void,
): Promise<TormentedCluster> {
  const beganMs = Date.now();
  try {
    const row = await cluster.torment(batch);
    results.add(row);
    say(lineOf(row));
    if (isWell(row)) return cluster;
  } catch (error) {
    const row = {
      kind: batch.kind,
      operationId: cluster.latestOperationId,
      outcome: 'needs-operator' as const,
      failure: '',
      killed: cluster.killed,
      missed: [],
      violations: [`it did not end: ${error instanceof Error ? error.message : String(error)}`],
      durationMs: Date.now() - beganMs,
    };
    results.add(row);
    say(lineOf(row));
  }
  await cluster.abandon();
  say(`          kept: ${cluster.lab.directory}`);
  return TormentedCluster.up();
}

async function discover(
  cluster: TormentedCluster,
  program: 'agent' | 'coordinator',
): Promise<Pick<MatrixReport, 'targets' | 'uncrossed' | 'needlessReasons'>> {
  const recordings = [await cluster.record('restore'), await cluster.record('rollback')];
  const crossed = new Map<string, string[]>();
  for (const recording of recordings) {
    for (const [at, names] of recording.crossed) crossed.set(at, [...(crossed.get(at) ?? []), ...names]);
  }
  const own = [...crossed].filter(([at]) => (at === 'coordinator') === (program === 'coordinator'));
  const calls = new Set(
    recordings.flatMap(({ calls }) => [...calls]).filter((call) => call.startsWith(program)),
  );
  const called = new Set(own.flatMap(([, names]) => names.map((name) => callOf(parsePoint(name)))));
  return {
    targets: targetsOf(new Map(own)),
    uncrossed: [...calls].filter((call) => !called.has(call) && whyNeverCrossed(call) === undefined),
    needlessReasons: [...called].filter((call) => whyNeverCrossed(call) !== undefined),
  };
}
