#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Around, nothingAround } from '@lockstep/shared/around.ts';
import { systemClock } from '@lockstep/shared/clock.ts';
import { asLockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { createLogger, type Logger } from '@lockstep/shared/logging.ts';
import { NatsLink } from '@lockstep/shared/nats/connection.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { startServer } from '@lockstep/shared/transport/server.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { AgentConnections } from './adapters/agent-client.ts';
import { FileJournal } from './adapters/journal.ts';
import { KnownAgents } from './adapters/known-agents.ts';
import { NatsAnnouncer } from './adapters/nats-announcer.ts';
import { NatsLeadership } from './adapters/nats-leadership.ts';
import { PlanFiles } from './adapters/plan-files.ts';
import { PresentAgents } from './adapters/present-agents.ts';
import { ScheduleFile } from './adapters/schedule-file.ts';
import { signingFiles } from './adapters/signing.ts';
import { openStores } from './adapters/stores/open.ts';
import { createOperatorService } from './api/operator-service.ts';
import { OPERATOR_POLICY } from './api/policy.ts';
import { type CoordinatorConfig, DEFAULT_CONFIG_PATH, readConfig } from './config.ts';
import { runOf } from './core/coordinator-run.ts';
import { alwaysLeads } from './runner/always-leads.ts';
import { Catalogue } from './runner/catalogue.ts';
import { Copying } from './runner/copying.ts';
import { DrillCopies } from './runner/drill-copies.ts';
import { SnapshotDrills } from './runner/drills.ts';
import { Gathering } from './runner/gathering.ts';
import { Keeping } from './runner/keeping.ts';
import { KeptCopies } from './runner/kept-copies.ts';
import { Operations } from './runner/operations.ts';
import { Planner } from './runner/planner.ts';
import { RecoveryLoop } from './runner/recovery-loop.ts';
import { Rejoins } from './runner/rejoins.ts';
import { Reverts } from './runner/reverts.ts';
import { unwatchedSaves } from './runner/saves.ts';
import { Scheduler } from './runner/scheduler.ts';
import { Sealing, SealingAgents } from './runner/sealing.ts';
import { SettingAside } from './runner/setting-aside.ts';
import { Verifying } from './runner/verifying.ts';

/** What waits for NATS when the program is told to stop gets this long. */
const NATS_LAST_WORDS_MS = 2_000;

async function main(logger: Logger, around: Around): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string', default: DEFAULT_CONFIG_PATH } } });
  const config = await readConfig(values.config);
  await mkdir(config.stateDir, { recursive: true, mode: 0o700 });

  const clock = around('clock', systemClock);
  const connections = new AgentConnections(config.cluster, config.tls);
  const nats = openNats(config, logger);
  const present = nats === undefined ? undefined : new PresentAgents(nats, config.cluster, clock);
  const configured = config.nodes.map(({ name, address }) => ({ node: name, address }));
  const plainAgents = around(
    'agents',
    new KnownAgents(connections, () => (configured.length > 0 ? configured : (present?.known() ?? []))),
  );
  const sealing = new Sealing({
    cluster: config.cluster,
    agents: plainAgents,
    means: signingFiles(config, () => clock.nowMs()),
    clock,
    logger,
  });
  const agents = new SealingAgents(plainAgents, sealing);
  const stores = openStores(config.stores).map((store) => around('stores', store));
  const copying = new Copying({
    agents,
    stores,
    unencrypted: new Set(config.stores.filter((each) => each.unencrypted).map((each) => each.name)),
    recipients: config.recipients,
    wanted: config.copies,
    sealing,
    clock,
    logger,
  });
  const announcer = nats === undefined ? undefined : new NatsAnnouncer(nats, config.cluster, logger);
  const journal = around('journal', new FileJournal(config.stateDir, logger));
  const plans = around('plans', new PlanFiles(config.stateDir, clock));
  const epochHolder = runOf(config.id, randomBytes(4).toString('hex'));
  const elected =
    nats === undefined
      ? undefined
      : new NatsLeadership({
          cluster: config.cluster,
          self: { coordinator: config.id, run: epochHolder, address: reachableAddress(config.listen) },
          link: nats,
          clock,
          logger,
        });
  const leadership = elected ?? alwaysLeads;
  const operations = new Operations({
    cluster: config.cluster,
    coordinatorId: epochHolder,
    agents,
    plans,
    journal,
    announcer: announcer ?? { announce: () => undefined },
    leadership,
    clock,
    logger,
  });
  const settingAside = new SettingAside({ coordinatorId: epochHolder, agents, clock, logger });
  const recovery = new RecoveryLoop({ agents, operations, leadership, settingAside, clock, logger });
  const planner = new Planner({
    cluster: config.cluster,
    planExpiryMs: config.planExpiryMs,
    agents,
    plans,
    sealing,
    copying,
    clock,
    logger,
  });
  const copies = new KeptCopies(stores, sealing);
  const catalogue = new Catalogue({ agents, copies, sealing, clock });
  const keeping = new Keeping({
    cluster: config.cluster,
    self: identityUri({ cluster: config.cluster, role: 'coordinator', name: config.id }),
    agents,
    copies,
    catalogue,
    plans,
    retention: config.retention,
    clock,
    logger,
  });
  const drills = new SnapshotDrills({
    agents,
    copies: new DrillCopies({
      self: identityUri({ cluster: config.cluster, role: 'coordinator', name: config.id }),
      agents,
      copying,
      copies,
      plans,
      clock,
      logger,
    }),
    announcer: announcer ?? { announce: () => undefined },
    clock,
    logger,
  });
  const scheduler = new Scheduler({
    schedules: config.schedules,
    runs: around('scheduleRuns', new ScheduleFile(config.stateDir, logger)),
    work: {
      saves: unwatchedSaves(config.cluster, agents, copying, clock),
      drills,
      keeping,
      catalogue,
    },
    catalogue,
    agents,
    plans,
    operations,
    leadership,
    announcer: announcer ?? { announce: () => undefined },
    clock,
    logger,
  });
  const stop = new AbortController();
  await operations.load(stop.signal);
  nats?.onChange((connected) => {
    logger.info({ connected }, 'NATS link');
    if (connected) operations.notice('NATS_BACK', 'NATS is back');
    else operations.notice('NATS_UNREACHABLE', 'NATS does not answer; the operation goes on without it');
  });

  leadership.onChange(() => {
    const by = leadership.other?.coordinator;
    if (leadership.leads) operations.notice('LEADS', `${config.id} leads`);
    else if (by !== undefined) operations.notice('LEAD_LOST', `${by} leads; it may take this operation over`);
    else operations.notice('LEAD_LOST', 'nobody is known to lead; the operation goes on');
  });

  const server = await startServer({
    listen: config.listen,
    tls: config.tls,
    cluster: config.cluster,
    policy: OPERATOR_POLICY,
    services: [
      {
        definition: OperatorServiceService,
        implementation: around(
          'service',
          createOperatorService({
            cluster: config.cluster,
            coordinatorId: config.id,
            agents,
            operations,
            leadership,
            planner,
            rejoins: new Rejoins({
              cluster: config.cluster,
              planExpiryMs: config.planExpiryMs,
              agents,
              plans,
              clock,
            }),
            sealing,
            drills,
            verifying: new Verifying({ agents, copying, copies, catalogue, sealing, clock, logger }),
            copying,
            gathering: new Gathering({
              known: () => plainAgents.known(),
              client: (address) => connections.evidence(address),
              clock,
              logger,
            }),
            catalogue,
            keeping,
            scheduler,
            reverts: new Reverts({ agents, operations, planner, clock }),
            plans,
            clock,
            logger,
            ready: () => recovery.lookedFirst,
            natsStatus: () =>
              nats === undefined ? 'not configured' : nats.connected ? 'connected' : 'unreachable',
          }),
        ),
      },
    ],
    logger,
  });
  const recovering = Promise.all([
    recovery.run(stop.signal),
    elected?.run(stop.signal),
    recovery.lookedFirst.then(() => scheduler.run(stop.signal)),
  ]);
  logger.info({ version: VERSION, id: config.id, address: server.address }, 'coordinator started');

  const signal = await untilStopped();
  logger.info({ signal }, 'coordinator stopping');
  stop.abort(new Error('the coordinator stops'));
  // An operation under way is not ended: the ledgers hold it, and the next start goes on with it.
  await operations.close();
  await server.close();
  await recovering;
  await announcer?.close(NATS_LAST_WORDS_MS);
  await nats?.close();
  connections.close();
  logger.info('coordinator stopped');
}

/** Where an operator reaches it; empty where it listens on every address there is. */
function reachableAddress(listen: string): string {
  return /^(0\.0\.0\.0|\[?::\]?):/.test(listen) ? '' : listen;
}

function openNats(config: CoordinatorConfig, logger: Logger): NatsLink | undefined {
  if (config.nats === undefined) return undefined;
  const { servers } = config.nats;
  return new NatsLink({ servers, tls: config.tls, name: `lockstep-coordinator ${config.id}`, logger });
}

function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** To its end, which is the process's. */
export async function runCoordinator(around: Around = nothingAround): Promise<void> {
  const logger = createLogger('lockstep-coordinator');
  try {
    await main(logger, around);
    process.exit(0);
  } catch (error) {
    const { code, message, cure, causes } = toFailure(asLockstepError(error));
    logger.fatal({ code, cure, causes }, message);
    process.exit(1);
  }
}

if (import.meta.main) await runCoordinator();
