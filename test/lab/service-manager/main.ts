import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createLogger } from '@lockstep/shared/logging.ts';
import { endLabProcesses, isAlive, LAB_VARIABLE, NODE_VARIABLE } from '../processes.ts';
import { serveControl } from './control.ts';
import { Manager } from './manager.ts';

/**
 * A node's service manager: starts the enabled units of its root and answers `systemctl`. Where an
 * owner is named (`PID:STARTTIME`) and that process ends, the whole lab ends: a test that is killed
 * leaves nothing running.
 */
const OWNER_POLL_MS = 1_000;
/** Of this process's environment, what units get; no more, as with systemd. */
const INHERITED = [
  'PATH',
  'HOME',
  LAB_VARIABLE,
  NODE_VARIABLE,
  'LOCKSTEP_TOOLS',
  'LOCKSTEP_LOG_LEVEL',
  'NODE_COMPILE_CACHE',
] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      listen: { type: 'string' },
      logs: { type: 'string' },
      owner: { type: 'string' },
    },
  });
  const { root = '', listen = '', logs = '' } = values;
  const [host = '', port = ''] = listen.split(':');
  const logger = createLogger('service-manager');
  mkdirSync(logs, { recursive: true });
  const environment = Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const manager = new Manager({ root, environment, logDirectory: logs, logger });
  await serveControl(manager, host, Number(port));
  logger.info({ root, listen }, 'serving');
  process.once('SIGTERM', () => void manager.stopAll().then(() => process.exit(0)));
  await manager.startEnabled();
  if (values.owner !== undefined) await followOwner(values.owner);
}

async function followOwner(owner: string): Promise<void> {
  const [pid = '', startTime = ''] = owner.split(':');
  while (isAlive({ pid: Number(pid), startTime })) await delay(OWNER_POLL_MS);
  const labId = process.env[LAB_VARIABLE];
  if (labId !== undefined) await endLabProcesses(labId);
  process.exit(0);
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
