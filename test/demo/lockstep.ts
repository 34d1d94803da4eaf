import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Lab } from '../lab/lab.ts';

/** The product, used as a person uses it: by its command line, in its JSON. */
const savedSchema = z.object({
  snapshot: z.object({
    card: z.object({
      id: z.string(),
      facts: z.object({
        status: z.object({ revision: z.number(), totalEntries: z.number(), liveKeys: z.number() }),
        fileSha256: z.string(),
        fileSizeBytes: z.number(),
      }),
    }),
  }),
});

const reportSchema = z.object({
  outcome: z.string(),
  report: z.object({ phases: z.array(z.object({ name: z.string(), ms: z.number() })) }),
});

const eventSchema = z.looseObject({
  type: z.string(),
  phase: z.string().optional(),
  ms: z.number().optional(),
});

export interface SavedSnapshot {
  readonly id: string;
  readonly sha256: string;
  readonly revision: number;
  /** As the etcdutl of the cluster's version prints it. */
  readonly totalKey: number;
  readonly bytes: number;
}

export interface PhaseTime {
  readonly name: string;
  readonly ms: number;
}

const COMMAND_TIMEOUT_MS = 120_000;
const OPERATION_ID = /\br-\d{8}-\d{6}-[a-z0-9]+\b/;
/** From 3.6 on etcdutl counts live keys; before, the entries of all buckets. */
const FIRST_MINOR_COUNTING_LIVE_KEYS = 6;

export async function saveSnapshot(lab: Lab): Promise<SavedSnapshot> {
  const { card } = savedSchema.parse(JSON.parse(await run(lab, ['snapshot', 'save', '-o', 'json']))).snapshot;
  const { status, fileSha256, fileSizeBytes } = card.facts;
  const minor = Number(lab.etcdTools.version.split('.')[1]);
  return {
    id: card.id,
    sha256: fileSha256,
    revision: status.revision,
    totalKey: minor >= FIRST_MINOR_COUNTING_LIVE_KEYS ? status.liveKeys : status.totalEntries,
    bytes: fileSizeBytes,
  };
}

export interface Planned {
  readonly operationId: string;
  /** As a person sees it. */
  readonly page: string;
  /** Inspecting every node and deciding. */
  readonly ms: number;
}

export async function planRestore(lab: Lab, snapshotId: string): Promise<Planned> {
  const beginMs = performance.now();
  const overrides = canBump(lab) ? [] : ['--override', 'BUMP_UNAVAILABLE=the lab has no newer etcd'];
  const page = await run(lab, ['restore', 'plan', snapshotId, ...overrides]);
  const [operationId] = OPERATION_ID.exec(page) ?? [];
  if (operationId === undefined) throw new Error(`the plan names no operation:\n${page}`);
  return { operationId, page, ms: Math.round(performance.now() - beginMs) };
}

/** `--bump-revision` came with etcd 3.4.27, 3.5.10 and 3.6. */
export function canBump(lab: Lab): boolean {
  const [, minor = 0, patch = 0] = lab.etcdTools.version.split('.').map(Number);
  return minor >= 6 || (minor === 5 && patch >= 10) || (minor === 4 && patch >= 27);
}

/** Runs a plan to its end, telling each phase as it ends. Rejects where the outcome is not `restored`. */
export async function runRestore(
  lab: Lab,
  operationId: string,
  onPhase: (phase: PhaseTime) => void,
): Promise<void> {
  const child = lab.spawnLockstep([
    'restore',
    'run',
    '--plan',
    operationId,
    '--confirm',
    lab.clusterName,
    '-o',
    'json',
  ]);
  const ended = Promise.withResolvers<number | null>();
  child.once('close', ended.resolve);
  child.once('error', ended.reject);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
  if (child.stdout === null) throw new Error('lockstep has no output');
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    const event = parseEvent(line);
    if (event?.type === 'phase-ended') onPhase({ name: event.phase ?? '', ms: event.ms ?? 0 });
  }
  const exitCode = await ended.promise;
  if (exitCode !== 0) throw new Error(`lockstep restore run ended with ${exitCode}: ${complaint}${last}`);
}

/** What the coordinator reports of a finished operation. */
export async function reportRestore(
  lab: Lab,
  operationId: string,
): Promise<{ readonly outcome: string; readonly phases: readonly PhaseTime[] }> {
  const { outcome, report } = reportSchema.parse(
    JSON.parse(await run(lab, ['restore', 'report', operationId, '-o', 'json'])),
  );
  return { outcome, phases: report.phases };
}

function parseEvent(line: string): z.infer<typeof eventSchema> | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

async function run(lab: Lab, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await lab.lockstep(args, { timeoutMs: COMMAND_TIMEOUT_MS });
  if (exitCode !== 0)
    throw new Error(`lockstep ${args.join(' ')} ended with ${exitCode}:\n${stderr}${stdout}`);
  return stdout;
}
