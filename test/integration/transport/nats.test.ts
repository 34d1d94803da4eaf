import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as dialTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { NatsLink } from '@lockstep/shared/nats/connection.ts';
import {
  auditStream,
  eventsSubject,
  presenceSubject,
  progressSubject,
} from '@lockstep/shared/nats/subjects.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { natsTlsOptions } from '@lockstep/shared/tls/nats-server.ts';
import { connect, Events, type NatsConnection, type TlsOptions } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';

const CLUSTER = 'prod';
const SERVERS = ['n1', 'n2', 'n3'] as const;
/** A /24 of loopback that nothing else in the tests uses. */
const NETWORK = '127.94.77';

let directory: string;
const processes: ChildProcess[] = [];
const servers = SERVERS.map((_, index) => `tls://${NETWORK}.${index + 1}:4222`);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-nats-'));
  const { natsServer } = await locateTools();
  await initPki({
    cluster: CLUSTER,
    outDir: directory,
    agents: ['cp1', 'cp2.example'].map((name) => ({ name, address: '127.0.0.1' })),
    coordinators: [{ name: 'bastion', address: '127.0.0.1' }],
    operators: ['ada'],
    nats: SERVERS.map((name, index) => ({ name, address: `${NETWORK}.${index + 1}` })),
    nowMs: Date.now(),
  });
  for (const name of SERVERS) {
    const home = join(directory, 'nats', name);
    const text = await readFile(join(home, 'nats.conf'), 'utf8');
    const config = join(home, 'moved.conf');
    await writeFile(
      config,
      text.replaceAll('/etc/nats/tls', home).replaceAll('/var/lib/nats', join(home, 'data')),
    );
    processes.push(spawn(natsServer, ['-c', config], { stdio: 'ignore' }));
  }
});

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

function identity(role: 'agents' | 'coordinators' | 'operators' | 'nats', name: string): TlsFiles {
  const home = join(directory, role, name);
  return { caFile: join(home, 'ca.crt'), certFile: join(home, 'tls.crt'), keyFile: join(home, 'tls.key') };
}

function link(tls: TlsFiles, inboxPrefix?: string): NatsLink {
  return new NatsLink({
    servers,
    tls,
    name: 'test',
    logger: createLogger('test', 'silent'),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
  });
}

function open(tls: TlsOptions | null): Promise<NatsConnection> {
  return connect({ servers: servers[0] as string, timeout: 5_000, reconnect: false, tls });
}

/** The first complaint of the server on a connection, or "none" if none comes. */
async function complaint(connection: NatsConnection, act: () => void): Promise<string> {
  const heard = (async () => {
    for await (const status of connection.status()) {
      if (status.type === Events.Error) return JSON.stringify(status.data);
    }
    return 'closed';
  })();
  act();
  await connection.flush();
  return await Promise.race([heard, new Promise<string>((done) => setTimeout(() => done('none'), 300))]);
}

describe('NATS as `lockstep init` configures it', () => {
  test('three servers over TLS take an event into the replicated audit stream', async () => {
    const coordinator = link(identity('coordinators', 'bastion'));
    const record = async (): Promise<string> => {
      await coordinator.ensureStream({ name: auditStream(CLUSTER), subjects: [eventsSubject(CLUSTER, '>')] });
      await coordinator.record(eventsSubject(CLUSTER, 'r-1'), Buffer.from('{}'), 'r-1-1');
      return 'recorded';
    };
    // The three first elect their leaders.
    await expect.poll(() => record().catch(String), { timeout: 60_000, interval: 500 }).toBe('recorded');
    await coordinator.close();
  });

  test('an agent’s presence reaches the coordinator', async () => {
    const coordinator = link(identity('coordinators', 'bastion'));
    const heard: string[] = [];
    coordinator.subscribe(presenceSubject(CLUSTER, '*'), (subject) => heard.push(subject));
    const agent = link(identity('agents', 'cp2.example'), `lockstep.${CLUSTER}.inbox.cp2_example`);
    const subject = presenceSubject(CLUSTER, 'cp2.example');
    await expect
      .poll(() => (agent.publish(subject, Buffer.from('here')), heard), { timeout: 10_000 })
      .toContain(subject);
    await agent.close();
    await coordinator.close();
  });

  test('an agent may say that it is there, and nothing else', async () => {
    const agent = await connect({
      servers: servers[0] as string,
      tls: natsTlsOptions(identity('agents', 'cp1')),
      inboxPrefix: `lockstep.${CLUSTER}.inbox.cp1`,
    });
    const nothing = Buffer.alloc(0);
    expect(await complaint(agent, () => agent.publish(presenceSubject(CLUSTER, 'cp1'), nothing))).toBe(
      'none',
    );
    for (const subject of [
      presenceSubject(CLUSTER, 'cp2'),
      eventsSubject(CLUSTER, 'r-1'),
      '$JS.API.INFO',
      '_INBOX.x',
    ]) {
      expect([subject, await complaint(agent, () => agent.publish(subject, nothing))]).toEqual([
        subject,
        expect.stringMatching(/PERMISSIONS_VIOLATION/),
      ]);
    }
    for (const subject of [eventsSubject(CLUSTER, '>'), '_INBOX.>', '>']) {
      const said = await complaint(agent, () => {
        agent.subscribe(subject, { callback: () => {} });
      });
      expect([subject, said]).toEqual([subject, expect.stringMatching(/PERMISSIONS_VIOLATION/)]);
    }
    await agent.close();
  });

  test('an operator may listen to what happens, and say nothing', async () => {
    const operator = await connect({
      servers: servers[0] as string,
      tls: natsTlsOptions(identity('operators', 'ada')),
    });
    const listen = (subject: string) =>
      complaint(operator, () => {
        operator.subscribe(subject, { callback: () => {} });
      });
    for (const subject of [eventsSubject(CLUSTER, '>'), progressSubject(CLUSTER, '>')]) {
      expect([subject, await listen(subject)]).toEqual([subject, 'none']);
    }
    for (const subject of [presenceSubject(CLUSTER, '*'), '$JS.>', '_INBOX.>', '>']) {
      expect([subject, await listen(subject)]).toEqual([
        subject,
        expect.stringMatching(/PERMISSIONS_VIOLATION/),
      ]);
    }
    for (const subject of [eventsSubject(CLUSTER, 'r-1'), presenceSubject(CLUSTER, 'cp1'), '$JS.API.INFO']) {
      const said = await complaint(operator, () => operator.publish(subject, Buffer.alloc(0)));
      expect([subject, said]).toEqual([subject, expect.stringMatching(/PERMISSIONS_VIOLATION/)]);
    }
    await operator.close();
  });

  test('a NATS server has nothing to say here', async () => {
    await expect(open(natsTlsOptions(identity('nats', 'n1')))).rejects.toThrow('Authorization Violation');
  });

  test('nobody comes in without a certificate', async () => {
    const { caFile, checkServerIdentity } = natsTlsOptions(identity('agents', 'cp1'));
    await expect(open({ caFile, checkServerIdentity } as TlsOptions)).rejects.toThrow(
      /certificate|ECONNRESET|closed|CLOSED/i,
    );
  });

  test('an agent that answers in the place of NATS is not believed', async () => {
    const files = identity('agents', 'cp2.example');
    const impostor = createServer((socket) => {
      socket.write('INFO {"server_id":"x","version":"2.10.0","tls_required":true,"max_payload":1024}\r\n');
      const secured = new TLSSocket(socket, {
        isServer: true,
        cert: readFileSync(files.certFile),
        key: readFileSync(files.keyFile),
      });
      secured.on('error', () => {});
      socket.on('error', () => {});
    });
    await new Promise<void>((done) => impostor.listen(4222, `${NETWORK}.99`, done));
    await expect(
      connect({
        servers: `tls://${NETWORK}.99:4222`,
        tls: natsTlsOptions(identity('agents', 'cp1')),
        timeout: 5_000,
        reconnect: false,
      }),
    ).rejects.toThrow('no NATS server');
    impostor.close();
  });

  test('a client that speaks no TLS is asked for it, and gets nothing else', async () => {
    const said = await new Promise<string>((done, failed) => {
      const socket = dialTcp(4222, `${NETWORK}.1`, () => socket.write('CONNECT {}\r\nPING\r\n'));
      let heard = '';
      socket.on('data', (data) => {
        heard += data.toString('latin1');
      });
      socket.once('close', () => done(heard));
      socket.once('error', failed);
    });
    expect(said).toContain('"tls_required":true');
    expect(said).not.toContain('PONG');
  });
});
