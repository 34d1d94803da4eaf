import { startPresence } from '@lockstep/agent/adapters/nats-presence.ts';
import { NatsAnnouncer } from '@lockstep/coordinator/adapters/nats-announcer.ts';
import { PresentAgents } from '@lockstep/coordinator/adapters/present-agents.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { NatsLink } from '@lockstep/shared/nats/connection.ts';
import { auditStream, eventsSubject, presenceSubject } from '@lockstep/shared/nats/subjects.ts';
import { natsTlsOptions } from '@lockstep/shared/tls/nats-server.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { connect, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER, NatsServer } from './nats-server.ts';

const clock = { nowMs: () => Date.now() };
const logger = createLogger('nats-test', 'silent');

let server: NatsServer;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await NatsServer.prepare();
  await server.start();
});
afterAll(async () => server?.[Symbol.asyncDispose]());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function link(kind: 'agents' | 'coordinators' | 'operators', name: string, url = server.url): NatsLink {
  const made = new NatsLink({ servers: [url], tls: server.identity(kind, name), name, logger });
  closing.push(() => made.close());
  return made;
}

function presence(node: string): { close(): Promise<void> } {
  const made = startPresence({
    config: { nats: { servers: [server.url] }, tls: server.identity('agents', node) },
    cluster: CLUSTER,
    node,
    address: `${node}.example:7443`,
    ledgerId: 'ledger',
    logger,
  });
  closing.push(() => made.close());
  return made;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor({ describe: () => what, check: async () => holds() }, 25, deadline(20_000));
}

/** A client of the test's own, beside the product's module. */
async function observer(): Promise<NatsConnection> {
  const connection = await connect({
    servers: server.url,
    tls: natsTlsOptions(server.identity('operators', 'auditor')),
  });
  closing.push(() => connection.close());
  return connection;
}

function phaseStarted(sequence: bigint): OperationEvent {
  const event = { $case: 'phaseStarted', value: { phase: Phase.PHASE_STAGE } } as const;
  return { operationId: 'r-1', sequence, atMs: 1n, event };
}

async function recorded(connection: NatsConnection): Promise<bigint[]> {
  const manager = await connection.jetstreamManager();
  const name = auditStream(CLUSTER);
  const info = await manager.streams.info(name).catch(() => undefined);
  // The one message of a stream that has none is number 0, which nobody may ask for.
  if (info === undefined || info.state.messages === 0) return [];
  const sequences: bigint[] = [];
  for (let seq = info.state.first_seq; seq <= info.state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage(name, { seq });
    sequences.push(OperationEvent.fromJSON(JSON.parse(new TextDecoder().decode(message.data))).sequence);
  }
  return sequences;
}

describe('presence', () => {
  it('shows an agent and its address, and forgets it once it is silent', async () => {
    let nowMs = Date.now();
    const known = new PresentAgents(link('coordinators', 'c1'), CLUSTER, { nowMs: () => nowMs });
    const agent = presence('cp1');
    presence('cp2');
    await until('both are known', () => known.known().length === 2);
    expect(known.known()).toContainEqual({ node: 'cp1', address: 'cp1.example:7443' });
    await agent.close();
    // Past the time that a link which has just come up is given.
    nowMs += 60_000;
    await until(
      'the silent one is gone',
      () =>
        known
          .known()
          .map((each) => each.node)
          .join() === 'cp2',
    );
  });

  it('keeps the last known while NATS is away, and finds them again when it is back', async () => {
    const coordinator = link('coordinators', 'c1');
    const known = new PresentAgents(coordinator, CLUSTER, clock);
    presence('cp1');
    await until('it is known', () => known.known().length === 1);
    await server.kill();
    await until('the link is down', () => !coordinator.connected);
    expect(known.known()).toHaveLength(1);
    await server.start();
    await until('the link is back', () => coordinator.connected);
    expect(known.known()).toHaveLength(1);
  });

  it('does not believe an agent that speaks for another', async () => {
    const known = new PresentAgents(link('coordinators', 'c1'), CLUSTER, clock);
    presence('cp2');
    const impostor = link('agents', 'cp1');
    await until('it is connected', () => impostor.connected);
    const forged = JSON.stringify({ node: 'cp2', address: 'evil:1', ledgerId: '', version: '0' });
    // The server refuses the subject, the coordinator the content.
    impostor.publish(presenceSubject(CLUSTER, 'cp2'), new TextEncoder().encode(forged));
    impostor.publish(presenceSubject(CLUSTER, 'cp1'), new TextEncoder().encode(forged));
    await until('the real one is known', () => known.known().length > 0);
    expect(known.known()).toStrictEqual([{ node: 'cp2', address: 'cp2.example:7443' }]);
  });
});

describe('events', () => {
  it('reach who listens and the stream, each once, whatever is repeated', async () => {
    const live: bigint[] = [];
    const test = await observer();
    test.subscribe(eventsSubject(CLUSTER, '*'), {
      callback: (_error, message) => {
        live.push(OperationEvent.fromJSON(JSON.parse(new TextDecoder().decode(message.data))).sequence);
      },
    });
    await test.flush();
    const announcer = new NatsAnnouncer(link('coordinators', 'c1'), CLUSTER, logger);
    announcer.announce(phaseStarted(1n));
    announcer.announce(phaseStarted(2n));
    announcer.announce(phaseStarted(1n));
    await until('both are recorded', async () => (await recorded(test)).length >= 2 && live.length >= 2);
    expect(await recorded(test)).toStrictEqual([1n, 2n]);
    expect(live.slice(0, 2)).toStrictEqual([1n, 2n]);
    const manager = await test.jetstreamManager();
    const { config } = await manager.streams.info(auditStream(CLUSTER));
    expect(config).toMatchObject({ storage: 'file', deny_delete: true });
  });

  it('that happened while NATS was away are recorded when it is back', async () => {
    const coordinator = link('coordinators', 'c1');
    const changes: boolean[] = [];
    coordinator.onChange((connected) => changes.push(connected));
    const announcer = new NatsAnnouncer(coordinator, CLUSTER, logger);
    await until('the link is up', () => coordinator.connected);
    await server.kill();
    await until('the link is down', () => !coordinator.connected);
    announcer.announce(phaseStarted(11n));
    announcer.announce(phaseStarted(12n));
    await server.start();
    const test = await observer();
    await until('both are recorded', async () => (await recorded(test)).includes(12n));
    expect((await recorded(test)).filter((each) => each > 10n)).toStrictEqual([11n, 12n]);
    expect(changes).toStrictEqual([true, false, true]);
  });
});

describe('a link', () => {
  it('is refused to who is no user of NATS', async () => {
    const operator = link('operators', 'eve');
    const agent = link('agents', 'cp1');
    await until('an agent is let in', () => agent.connected);
    expect(operator.connected).toBe(false);
  });

  it('sends nothing in the clear where tls:// was asked for', async () => {
    const plain = await NatsServer.prepare();
    closing.push(() => plain[Symbol.asyncDispose]());
    const [host = '', port = ''] = plain.address.split(':');
    await plain.start(['--addr', host, '--port', port]);
    const asked = link('coordinators', 'c1', plain.url);
    const unasked = link('coordinators', 'c1', `nats://${plain.address}`);
    await until('a plain link is up', () => unasked.connected);
    expect(asked.connected).toBe(false);
  });
});
