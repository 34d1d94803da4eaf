#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { type Around, nothingAround } from '@lockstep/shared/around.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { asLockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger, type Logger } from '@lockstep/shared/logging.ts';
import { startServer } from '@lockstep/shared/transport/server.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { createAgentService } from './api/agent-service.ts';
import { AGENT_POLICY } from './api/policy.ts';
import { type Agent, assemble } from './assembly.ts';
import { type AgentConfig, DEFAULT_CONFIG_PATH, readConfig } from './config.ts';

/** A predecessor that a service manager is just stopping gets this long to let go of the node. */
const LOCK_PATIENCE_MS = 10_000;
const PREPARE_PATIENCE_MS = 10_000;
/** An effect in flight is aborted, and gets this long to end. */
const STOP_PATIENCE_MS = 10_000;

async function main(logger: Logger, around: Around): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string', default: DEFAULT_CONFIG_PATH } } });
  const config = await readConfig(values.config);
  const agent = await assemble(config, {
    logger,
    environment: process.env,
    around,
    lockPatienceMs: LOCK_PATIENCE_MS,
  });
  const { ledger, executor, drills } = agent;
  await drills.sweep();

  const open = ledger.openOperation();
  // Its coordinator, or the next one, says which way: forward and back exclude each other.
  if (open !== undefined) {
    logger.warn(
      { operationId: open.operationId, phase: open.phase, effects: open.effects.length },
      'an operation is open on this node; waiting for its coordinator',
    );
  }
  const swept = await agent.ports.snapshots.sweep(open?.openedMs);
  if (swept.length > 0) logger.warn({ files: swept }, 'what an unfinished snapshot left was removed');
  // The first time, this has the service manager load a condition: better now than in a downtime.
  await agent.ports.hosting.prepareHold(deadline(PREPARE_PATIENCE_MS)).catch((error: unknown) => {
    const { code, message } = asLockstepError(error);
    logger.warn(
      { code, reason: message },
      'kubelet could not be made ready to be held; a restore will try again',
    );
  });
  const server = await startServer({
    listen: config.listen,
    tls: agent.tls,
    cluster: config.cluster,
    policy: AGENT_POLICY,
    services: [
      {
        definition: AgentServiceService,
        implementation: around(
          'service',
          createAgentService({
            config,
            ledger,
            executor,
            ports: agent.ports,
            drills: agent.drills,
            now: () => agent.ports.clock.nowMs(),
          }),
        ),
      },
    ],
    logger,
  });
  const presence = await announce(config, agent, logger);
  logger.info({ version: VERSION, node: config.node, address: server.address }, 'agent started');

  const signal = await untilStopped();
  logger.info({ signal }, 'agent stopping');
  await presence?.close();
  await server.close();
  await drills.close();
  await executor.idle(STOP_PATIENCE_MS);
  agent.close();
  logger.info('agent stopped');
}

/** Says on NATS that this agent is here; its client is loaded only where it is used. */
async function announce(config: AgentConfig, agent: Agent, logger: Logger) {
  if (config.nats === undefined) return undefined;
  const { startPresence } = await import('./adapters/nats-presence.ts');
  return startPresence({
    config: { ...config, nats: config.nats, tls: agent.tls },
    ledgerId: agent.ledger.identity.ledgerId,
    node: config.node,
    cluster: config.cluster,
    address: config.advertise,
    logger,
  });
}

function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** To its end, which is the process's. */
export async function runAgent(around: Around = nothingAround): Promise<void> {
  const logger = createLogger('lockstep-agent');
  try {
    await main(logger, around);
    process.exit(0);
  } catch (error) {
    const { code, message, cure, causes } = toFailure(asLockstepError(error));
    logger.fatal({ code, cure, causes }, message);
    process.exit(1);
  }
}

if (import.meta.main) await runAgent();
