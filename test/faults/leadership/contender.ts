import { NatsLeadership } from '@lockstep/coordinator/adapters/nats-leadership.ts';
import { systemClock } from '@lockstep/shared/clock.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { NatsLink } from '@lockstep/shared/nats/connection.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';

/** What a contender says of itself, a line of JSON, every so often. */
export interface Standing {
  readonly atMs: number;
  readonly leads: boolean;
  readonly other: string;
}

const SAY_EVERY_MS = 50;

/** A coordinator that does nothing but contend for the lead: a process that can be killed and stopped. */
const { cluster, name, servers, tls } = JSON.parse(process.argv[2] ?? '{}') as {
  cluster: string;
  name: string;
  servers: string[];
  tls: TlsFiles;
};
const logger = createLogger('contender', 'silent');
const leadership = new NatsLeadership({
  cluster,
  self: { coordinator: name, run: `${name}.${process.pid}`, address: `${name}:7444` },
  link: new NatsLink({ servers, tls, name, logger }),
  clock: systemClock,
  logger,
});
const say = (): void => {
  const standing: Standing = {
    atMs: Date.now(),
    leads: leadership.leads,
    other: leadership.other?.coordinator ?? '',
  };
  process.stdout.write(`${JSON.stringify(standing)}\n`);
};
// A woken process says at once what it believes, before NATS has told it anything.
process.on('SIGCONT', say);
setInterval(say, SAY_EVERY_MS);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await leadership.run(stop.signal);
process.exit(0);
