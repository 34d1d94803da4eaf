import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport, ToolReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import {
  Proof,
  ProofKind,
  ProofLevel,
  type SnapshotCard,
  type SnapshotFacts,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import {
  DRILL_MEMBER,
  drillTool,
  isAboutStore,
  minorOf,
  requireApart,
  requireRoom,
  restoredDifferences,
  servedDifferences,
} from '../core/drill.ts';
import { below } from '../core/host-path.ts';
import type { DrillPorts } from './ports.ts';

/** What is wrong with the snapshot, as opposed to with the drill. */
const FINDINGS = new Set(['SNAPSHOT_UNRESTORABLE', 'SNAPSHOT_CONTENT_DIFFERS']);

export interface DrillSettings {
  readonly node: string;
  readonly drillId: string;
  readonly snapshotId: string;
  readonly clock: Clock;
  readonly ports: DrillPorts;
  readonly progress: (doing: string) => void;
}

/** How far a drill came, and what it learnt on the way. */
interface Course {
  level: ProofLevel;
  restoreMs: number;
  etcdVersion: string;
  hashKv: number;
  note: string;
}

/**
 * Restores a snapshot of this node into a scratch place, starts an etcd of its own on it, and
 * compares what came of it with the card. A snapshot that is bad is a proof with a failure; a drill
 * that could not be done throws, and says nothing of the snapshot. Nothing of it is left either way.
 */
export async function drill(settings: DrillSettings, signal: AbortSignal): Promise<Proof> {
  const { node, clock, ports, snapshotId, progress } = settings;
  const at = new Date(clock.nowMs()).toISOString();
  const beganMs = clock.monotonicMs();
  const { card } = await ports.snapshots.get(snapshotId);
  const course: Course = {
    level: ProofLevel.PROOF_LEVEL_UNSPECIFIED,
    restoreMs: 0,
    etcdVersion: '',
    hashKv: 0,
    note: '',
  };
  let failure: Failure | undefined;
  try {
    const report = await admit(settings, card, signal);
    progress('reading');
    failure = await unread(settings, signal);
    if (failure === undefined) {
      course.level = ProofLevel.PROOF_LEVEL_READ;
      await restoreAndServe(settings, { card, report, course }, signal);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof LockstepError) || !FINDINGS.has(thrown.code)) throw thrown;
    failure = toFailure(thrown, node);
  }
  return Proof.fromPartial({
    kind: ProofKind.PROOF_KIND_DRILL,
    place: node,
    at,
    failure,
    tookMs: BigInt(Math.round(clock.monotonicMs() - beganMs)),
    restoreMs: BigInt(Math.round(course.restoreMs)),
    level: course.level,
    etcdVersion: course.etcdVersion,
    hashKv: course.hashKv,
    hashKvRevision: course.hashKv === 0 ? 0n : (card.facts?.status?.revision ?? 0n),
    note: course.note,
  });
}

/** Room for it, looked at before anything is written. */
async function admit(
  { node, ports }: DrillSettings,
  card: SnapshotCard,
  signal: AbortSignal,
): Promise<NodeReport> {
  const report = await ports.describe(signal);
  if (card.facts === undefined) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
      node,
      message: `The card of ${card.id} holds no facts.`,
    });
  }
  requireRoom(node, card.facts, { report, memoryAvailableBytes: ports.memoryAvailableBytes() });
  return report;
}

/** The snapshot's own bytes against its card, before anything is made of them. */
async function unread(
  { node, ports, snapshotId }: DrillSettings,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { refusals } = await ports.snapshots.verify(snapshotId, signal, { background: true });
  const [refusal] = refusals;
  return refusal === undefined
    ? undefined
    : { code: refusal.code, node, message: refusal.message, cure: refusal.cure, causes: [] };
}

interface Subject {
  readonly card: SnapshotCard;
  readonly report: NodeReport;
  readonly course: Course;
}

async function restoreAndServe(
  settings: DrillSettings,
  subject: Subject,
  signal: AbortSignal,
): Promise<void> {
  const { node, drillId, ports, progress } = settings;
  const { card, report, course } = subject;
  const facts = card.facts as SnapshotFacts;
  const tool = drillTool(node, report, card);
  const place = await ports.places.make(drillId);
  try {
    await requireScratchApart(settings, place, report, signal);
    const store = below(place, 'store');
    await restore(settings, subject, { tool, store }, signal);
    progress('reading what was restored');
    const restored = await ports.readStoreFacts(
      below(store, 'member/snap/db'),
      facts.status?.revision ?? 0n,
      signal,
    );
    requireSame(settings, restoredDifferences(facts, restored, tool.version));
    course.level = ProofLevel.PROOF_LEVEL_RESTORED;
    await serve(settings, subject, { tool, place, store }, signal);
  } finally {
    progress('cleaning up');
    // Also where the drill was called off: then above all.
    await ports.places.clear(drillId);
  }
}

async function requireScratchApart(
  { node, ports }: DrillSettings,
  place: string,
  { etcd }: NodeReport,
  signal: AbortSignal,
): Promise<void> {
  if (etcd === undefined) return;
  const { stores } = ports;
  const inode = etcd.store?.dataDirInode;
  requireApart(node, {
    scratch: stores.realPath(place),
    scratchInode: await stores.inodeOf(place, signal),
    dataDirs: [etcd.dataDir, etcd.walDir].filter((path) => path !== '').map((path) => stores.realPath(path)),
    liveInodes: inode === undefined ? [] : [inode],
  });
}

async function restore(
  { node, clock, ports, drillId, snapshotId, progress }: DrillSettings,
  { course, card }: Subject,
  { tool, store }: { readonly tool: ToolReport; readonly store: string },
  signal: AbortSignal,
): Promise<void> {
  progress('restoring');
  const beganMs = clock.monotonicMs();
  try {
    await ports.builder.restore(
      {
        tool,
        snapshotPath: ports.snapshots.hostPathOf(snapshotId),
        targetDir: store,
        member: EtcdMemberPlan.fromPartial({
          name: DRILL_MEMBER.name,
          initialCluster: DRILL_MEMBER.initialCluster,
          initialAdvertisePeerUrls: [...DRILL_MEMBER.initialAdvertisePeerUrls],
        }),
        // Nobody else's: so is the cluster id that comes of it.
        clusterToken: `lockstep-${drillId}`,
        bumpBy: undefined,
      },
      signal,
    );
  } catch (thrown) {
    signal.throwIfAborted();
    // The tool's own verdict; one that was killed, or whose disk was full, has given none.
    if (!(thrown instanceof LockstepError) || thrown.code !== 'BUILD_FAILED' || !isVerdict(thrown.cause)) {
      throw thrown;
    }
    throw new LockstepError('SNAPSHOT_UNRESTORABLE', {
      node,
      message: `${tool.name} ${tool.version} on ${node} cannot restore ${card.id}.`,
      cause: thrown,
    });
  }
  course.restoreMs = clock.monotonicMs() - beganMs;
}

function isVerdict(cause: unknown): boolean {
  if (!(cause instanceof Error) || !('exitCode' in cause) || cause.exitCode === undefined) return false;
  return 'output' in cause && typeof cause.output === 'string' && isAboutStore(cause.output);
}

async function serve(
  settings: DrillSettings,
  { card, report, course }: Subject,
  { tool, place, store }: { readonly tool: ToolReport; readonly place: string; readonly store: string },
  signal: AbortSignal,
): Promise<void> {
  const { node, ports, progress } = settings;
  const facts = card.facts as SnapshotFacts;
  const minor = minorOf(tool.version);
  const found = await ports.servers.find(report.tools, minor, signal);
  if (found === undefined) {
    course.note = `no etcd of ${minor} was found on ${node}, so none was started`;
    return;
  }
  if (facts.authEnabled) {
    course.note = 'etcd’s own authentication is on in it, so an etcd would not answer';
    return;
  }
  progress('starting etcd');
  await using server = await ports.servers.start({ program: found.path, place, store }, signal);
  for (const live of [report.etcd?.clusterId ?? '', card.etcdClusterId]) {
    if (live !== '' && live === server.clusterId) {
      throw new LockstepError('DRILL_NEAR_LIVE', {
        node,
        message: `The drill's etcd says that it is of cluster ${live}, which is the live one.`,
      });
    }
  }
  progress('comparing');
  const served = await server.read(
    {
      revision: facts.status?.revision ?? 0n,
      registryPrefix: facts.registryPrefix || '/registry',
      authEnabled: facts.authEnabled,
    },
    signal,
  );
  requireSame(settings, servedDifferences(facts, served));
  course.level = ProofLevel.PROOF_LEVEL_SERVED;
  course.etcdVersion = server.version;
  course.hashKv = served.hashKv;
}

function requireSame({ node, snapshotId }: DrillSettings, differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new LockstepError('SNAPSHOT_CONTENT_DIFFERS', {
    node,
    message: `What came of ${snapshotId} on ${node} is not what its card says: ${differences.join('; ')}.`,
  });
}
