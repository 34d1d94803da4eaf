import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { catalogue } from '@lockstep/shared/errors/catalogue.ts';
import { asLockstepError, type LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  type NodeStatus,
  OperatorServiceService,
  type ScheduleStatus,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { SigningReport } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { identityOf } from '@lockstep/shared/tls/peer.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import type { Answer } from '../answer.ts';
import { loadContext, type OperatorContext } from '../config.ts';
import { Coordinator, WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';
import { isFailed } from '../render/catalogue.ts';
import { type Check, doctorPage } from '../render/doctor.ts';
import { snapshotChecks, snapshotsWord } from './doctor-snapshots.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A certificate that ends within this is worth a word. */
const EXPIRY_WARNING_DAYS = 60;
/** As the plan's own check (CLOCK_SKEW). */
const CLOCK_SKEW_MS = 10_000;

/** Everything that must be in order before a bad night, from this machine to each node. */
export async function doctor(invocation: Invocation): Promise<Answer> {
  const checks: Check[] = [];
  const context = await attempt(checks, 'configuration', async () => {
    const loaded = await loadContext(invocation.location);
    return { value: loaded, message: `context ${loaded.name}, cluster ${loaded.cluster}` };
  });
  if (context !== undefined) {
    checks.push(...(await certificateChecks(context, invocation.terminal.nowMs())));
    await coordinatorChecks(invocation, context, checks);
  }
  const worst = checks.find(({ verdict }) => verdict === 'fail');
  return {
    data: { checks },
    names: checks.filter(({ verdict }) => verdict !== 'ok').map(({ name }) => name),
    render: (layout) => doctorPage(layout, checks),
    ...(worst === undefined ? {} : { exit: EXIT.findings, code: worst.code }),
  };
}

async function attempt<Value>(
  checks: Check[],
  name: string,
  look: () => Promise<{ value: Value; message: string }>,
): Promise<Value | undefined> {
  try {
    const { value, message } = await look();
    checks.push(good(name, message));
    return value;
  } catch (thrown) {
    checks.push(bad(name, asLockstepError(thrown)));
    return undefined;
  }
}

function good(name: string, message: string): Check {
  return { name, verdict: 'ok', code: '', message, cure: '' };
}

function bad(name: string, error: LockstepError): Check {
  return { name, verdict: 'fail', code: error.code, message: error.message, cure: error.cure };
}

function warning(name: string, code: string, message: string, cure: string): Check {
  return { name, verdict: 'warn', code, message, cure };
}

async function certificateChecks({ tls }: OperatorContext, nowMs: number): Promise<Check[]> {
  const checks: Check[] = [];
  const certificate = await attempt(checks, 'certificate', async () => {
    const value = new X509Certificate(await readFile(tls.certFile));
    const identity = identityOf(value);
    return { value, message: identity === undefined ? 'carries no Lockstep name' : identityUri(identity) };
  });
  if (certificate !== undefined) {
    const days = Math.floor((certificate.validToDate.getTime() - nowMs) / DAY_MS);
    if (days < EXPIRY_WARNING_DAYS) {
      const cure = 'Remove tls.crt and tls.key and run `lockstep init` again with the same options.';
      checks.push(warning('expiry', 'NOT_AUTHENTICATED', `${tls.certFile} ends in ${days} days.`, cure));
    }
  }
  const mode = await stat(tls.keyFile).then(
    (found) => found.mode & 0o777,
    () => undefined,
  );
  if (mode !== undefined && (mode & 0o077) !== 0) {
    const message = `${tls.keyFile} is readable by others (mode ${mode.toString(8)}).`;
    checks.push(warning('private key', 'CONFIG_INVALID', message, `Run: chmod 600 ${tls.keyFile}`));
  }
  return checks;
}

async function coordinatorChecks(
  invocation: Invocation,
  context: OperatorContext,
  checks: Check[],
): Promise<void> {
  using coordinator = new Coordinator(context, invocation.signal);
  const answered = await attempt(checks, 'coordinator', async () => {
    const value = await coordinator.call(OperatorServiceService.getVersion, {});
    return { value, message: `${value.coordinatorId} at ${coordinator.address}, version ${value.version}` };
  });
  if (answered === undefined) return;
  if (answered.version !== VERSION) {
    checks.push(
      warning(
        'versions',
        'CONFIG_INVALID',
        `The coordinator is ${answered.version}, this is ${VERSION}.`,
        'Use the same version everywhere.',
      ),
    );
  }
  if (answered.nats === 'unreachable') {
    checks.push(
      warning(
        'NATS',
        'UNREACHABLE',
        'NATS is configured and does not answer; restores work without it.',
        'Start NATS, or remove it from the configuration.',
      ),
    );
  } else checks.push(good('NATS', answered.nats));
  if (answered.signing !== undefined && answered.signing.problem !== '') {
    checks.push(cannotSign('sealing', answered.signing));
  }
  if (answered.leader === '') {
    checks.push(
      warning(
        'leader',
        'UNREACHABLE',
        'Nobody is known to lead: nobody takes up what is left open unasked.',
        'Look after a majority of the NATS servers; until then run `lockstep restore resume` on any coordinator.',
      ),
    );
  }

  const listed = await attempt(checks, 'schedules', async () => {
    const value = await coordinator.call(OperatorServiceService.listSchedules, {});
    const { schedules, retention } = value;
    const kept = retention === '' ? 'nothing is deleted unasked' : `kept: ${retention}`;
    return { value: schedules, message: `${schedules.length} configured, ${kept}` };
  });
  checks.push(...(listed ?? []).flatMap(scheduleChecks));

  const kept = await attempt(checks, 'snapshots', async () => {
    const value = await coordinator.call(OperatorServiceService.getCatalogue, {}, WAIT_MS.nodes);
    return { value, message: snapshotsWord(value, invocation.terminal.nowMs()) };
  });
  if (kept !== undefined) checks.push(...snapshotChecks(kept));

  const nodes = await attempt(checks, 'nodes', async () => {
    const { nodes: value } = await coordinator.call(
      OperatorServiceService.listNodes,
      { cluster: context.cluster },
      WAIT_MS.nodes,
    );
    return { value, message: `${value.length} known` };
  });
  for (const node of nodes ?? []) checks.push(...nodeChecks(node, invocation.terminal.nowMs()));
}

/** A snapshot is taken nevertheless; a restore of it takes a second person. */
function cannotSign(name: string, { problem }: SigningReport): Check {
  const { cure } = catalogue.SIGNING_IDENTITY_MISSING;
  return warning(name, 'SIGNING_IDENTITY_MISSING', `Snapshots are not sealed: ${problem}`, cure);
}

/** A snapshot that was not taken is missed on the night it is needed. */
function scheduleChecks(schedule: ScheduleStatus): Check[] {
  const { name, lastOutcome, lastMessage, late, nextAt } = schedule;
  const checks: Check[] = [];
  const cure = 'See `lockstep snapshot schedule`, and mend what it names; the next run comes by itself.';
  if (isFailed(schedule)) {
    checks.push({ name: `schedule ${name}`, verdict: 'fail', code: lastOutcome, message: lastMessage, cure });
  }
  if (late) {
    const message = `It should have run at ${nextAt}, and has not.`;
    checks.push({ name: `schedule ${name}`, verdict: 'fail', code: 'SCHEDULE_LATE', message, cure });
  }
  return checks;
}

function nodeChecks({ node, report, failure }: NodeStatus, nowMs: number): Check[] {
  const name = `node ${node}`;
  if (report === undefined) {
    const { code = 'UNREACHABLE', message = 'did not answer', cure = '' } = failure ?? {};
    return [{ name, verdict: 'fail', code, message, cure }];
  }
  const checks: Check[] = [];
  if (report.agentVersion !== VERSION) {
    checks.push(
      warning(
        name,
        'CONFIG_INVALID',
        `The agent is ${report.agentVersion}, this is ${VERSION}.`,
        'Use the same version everywhere.',
      ),
    );
  }
  const skewMs = Math.abs(Number(report.clockMs) - nowMs);
  if (skewMs > CLOCK_SKEW_MS) {
    checks.push(
      warning(
        name,
        'CLOCK_SKEW',
        `Its clock is ${Math.round(skewMs / 1_000)} s off this one.`,
        'Start time synchronisation.',
      ),
    );
  }
  if (report.openOperationId !== '') {
    checks.push(
      warning(
        name,
        'OPERATION_IN_PROGRESS',
        `Operation ${report.openOperationId} is open.`,
        `See \`lockstep restore status ${report.openOperationId}\`.`,
      ),
    );
  }
  if (report.signing !== undefined && report.signing.problem !== '')
    checks.push(cannotSign(name, report.signing));
  for (const found of report.failures) {
    checks.push({ name, verdict: 'fail', code: found.code, message: found.message, cure: found.cure });
  }
  const etcd =
    report.etcd === undefined
      ? 'no etcd'
      : report.etcd.serving
        ? `etcd ${report.etcd.version}`
        : 'etcd not serving';
  return checks.length > 0 ? checks : [good(name, `agent ${report.agentVersion}, ${etcd}`)];
}
