import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import { deadline } from '@lockstep/shared/deadline.ts';
import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { ROTATION_POLL_MS } from '@lockstep/shared/tls/credentials.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { connect, unary } from '@lockstep/shared/transport/client.ts';
import { startServer } from '@lockstep/shared/transport/server.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countingService, POLICY } from './echo-services.ts';
import { TestAuthority } from './identities.ts';

const CLUSTER = 'test';
const AGENT = { cluster: CLUSTER, role: 'agent', name: 'cp1' } as const;
const COORDINATOR = { cluster: CLUSTER, role: 'coordinator', name: 'c1' } as const;
const NOTICED_MS = ROTATION_POLL_MS + 500;

let directory: string;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  directory = await mkdtemp(join(tmpdir(), 'lockstep-rotation-'));
  stack.defer(() => rm(directory, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

async function serve(tls: TlsFiles, listen = '127.0.0.1:0') {
  const server = await startServer({
    listen,
    tls,
    cluster: CLUSTER,
    policy: POLICY,
    services: [countingService(AgentServiceService, [])],
    logger: createLogger('test', 'silent'),
  });
  stack.defer(() => server.close(0));
  return server;
}

function dial(address: string, tls: TlsFiles) {
  const client = connect({ address, tls, expected: AGENT });
  stack.defer(() => client.close());
  return { describe: () => unary(client, AgentServiceService.describe, {}, deadline(8_000)) };
}

/** The serial number that the server shows to a connection made now. */
function serialShown(address: string, tls: TlsFiles): Promise<string> {
  const [host, port] = address.split(':') as [string, string];
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      host,
      port: Number(port),
      ca: readFileSync(tls.caFile),
      cert: readFileSync(tls.certFile),
      key: readFileSync(tls.keyFile),
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    socket.once('secureConnect', () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw).serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('a live server shows a rotated certificate to new connections and keeps the old ones', async () => {
  const authority = await TestAuthority.create(directory);
  const mine = await authority.issue('coordinator', COORDINATOR);
  const { address } = await serve(await authority.issue('server', AGENT));
  const before = dial(address, mine);
  await before.describe();
  const serial = await serialShown(address, mine);

  await authority.issue('server', AGENT);
  await delay(NOTICED_MS);

  expect(await serialShown(address, mine)).not.toBe(serial);
  await before.describe();
  await dial(address, mine).describe();
});

test('half a rotation leaves the last good certificate in force', async () => {
  const authority = await TestAuthority.create(directory);
  const mine = await authority.issue('coordinator', COORDINATOR);
  const files = await authority.issue('server', AGENT);
  const { address } = await serve(files);
  const serial = await serialShown(address, mine);

  const other = await authority.issue('other', AGENT);
  await writeFile(files.keyFile, readFileSync(other.keyFile));
  await delay(NOTICED_MS);
  expect(await serialShown(address, mine)).toBe(serial);

  await writeFile(files.certFile, readFileSync(other.certFile));
  await delay(NOTICED_MS);
  expect(await serialShown(address, mine)).not.toBe(serial);
});

test('a live client takes up rotated files with its next connection', async () => {
  const oldCa = await TestAuthority.create(join(directory, 'old'));
  const newCa = await TestAuthority.create(join(directory, 'new'));
  const mine = await oldCa.issue('coordinator', COORDINATOR);
  const first = await serve(await oldCa.issue('server', AGENT));
  const client = dial(first.address, mine);
  await client.describe();

  await first.close(0);
  const second = await serve(await newCa.issue('server', AGENT), first.address);
  await expect(client.describe()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' });

  const rotated = await newCa.issue('coordinator', COORDINATOR);
  for (const file of ['caFile', 'keyFile', 'certFile'] as const) {
    await writeFile(mine[file], readFileSync(rotated[file]));
  }
  // The connection is tried anew after grpc's backoff, which is at most two seconds.
  await expect.poll(() => client.describe().then(() => 'OK', String), { timeout: 8_000 }).toBe('OK');
  expect(second.address).toBe(first.address);
});
