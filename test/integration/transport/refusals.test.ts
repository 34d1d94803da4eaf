import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import type { Identity, Role, TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { connect, serverStream, unary } from '@lockstep/shared/transport/client.ts';
import { type RunningServer, startServer } from '@lockstep/shared/transport/server.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnyMethod, countingService, methodsOf, POLICY, SERVICES } from './echo-services.ts';
import { TestAuthority, validity } from './identities.ts';

const CLUSTER = 'test';
const CALL_TIMEOUT_MS = 8_000;

let directory: string;
let authority: TestAuthority;
let foreign: TestAuthority;
const servers: Record<
  keyof typeof SERVICES,
  { server: RunningServer; identity: Identity; reached: string[] }
> = {} as never;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-tls-'));
  authority = await TestAuthority.create(join(directory, 'ours'));
  foreign = await TestAuthority.create(join(directory, 'foreign'));
  for (const [service, role, name] of [
    ['agent', 'agent', 'cp1'],
    ['operator', 'coordinator', 'coordinator-1'],
  ] as const) {
    const identity = { cluster: CLUSTER, role, name };
    const reached: string[] = [];
    const server = await startServer({
      listen: '127.0.0.1:0',
      tls: await authority.issue(`server-${service}`, identity),
      cluster: CLUSTER,
      policy: POLICY,
      services: [countingService(SERVICES[service], reached)],
      logger: createLogger('test', 'silent'),
    });
    servers[service] = { server, identity, reached };
  }
});

afterAll(async () => {
  await Promise.all(Object.values(servers).map(({ server }) => server.close(0)));
  await rm(directory, { recursive: true });
});

function roleOf(service: keyof typeof SERVICES): Role {
  return service === 'agent' ? 'coordinator' : 'operator';
}

async function call(client: Client, method: AnyMethod): Promise<void> {
  const request = method.requestDeserialize(Buffer.alloc(0));
  const signal = deadline(CALL_TIMEOUT_MS);
  if (!method.responseStream) await unary(client, method, request, signal);
  else for await (const _ of serverStream(client, method, request, signal));
}

async function codeOf(attempt: Promise<void>): Promise<string> {
  try {
    await attempt;
    return 'OK';
  } catch (error) {
    return error instanceof LockstepError ? error.code : `thrown ${String(error)}`;
  }
}

type Attempt = (service: keyof typeof SERVICES) => Promise<Client> | Client;

/** Who calls, and the one code with which every method must refuse them. */
const refused: Record<string, { code: string; open: Attempt }> = {
  'no certificate': {
    code: 'NOT_AUTHENTICATED',
    open: (service) =>
      new Client(
        servers[service].server.address,
        credentials.createSsl(Buffer.from(authority.certificatePem), null, null, {
          checkServerIdentity: () => undefined,
        }),
      ),
  },
  'a self-signed certificate': {
    code: 'NOT_AUTHENTICATED',
    open: async (service) => open(service, await authority.issueSelfSigned(`self-${service}`, CLUSTER)),
  },
  'a certificate of another CA': {
    code: 'NOT_AUTHENTICATED',
    open: async (service) => {
      const files = await foreign.issue(`other-ca-${service}`, {
        cluster: CLUSTER,
        role: roleOf(service),
        name: 'x',
      });
      return open(service, { ...files, caFile: (await own(service)).caFile });
    },
  },
  'an expired certificate': {
    code: 'NOT_AUTHENTICATED',
    open: async (service) =>
      open(
        service,
        await authority.issue(
          `expired-${service}`,
          { cluster: CLUSTER, role: roleOf(service), name: 'late' },
          validity(-2, -1),
        ),
      ),
  },
  'a certificate for signing': {
    code: 'NOT_AUTHENTICATED',
    open: async (service) =>
      open(
        service,
        await authority.issueForSigning(`signing-${service}`, {
          cluster: CLUSTER,
          role: roleOf(service),
          name: 'right',
        }),
      ),
  },
  'a certificate of another cluster': {
    code: 'NOT_AUTHORISED',
    open: async (service) =>
      open(
        service,
        await authority.issue(`cluster-${service}`, {
          cluster: 'elsewhere',
          role: roleOf(service),
          name: 'x',
        }),
      ),
  },
  'the wrong role': {
    code: 'NOT_AUTHORISED',
    open: async (service) =>
      open(
        service,
        await authority.issue(`role-${service}`, {
          cluster: CLUSTER,
          role: service === 'agent' ? 'operator' : 'coordinator',
          name: 'x',
        }),
      ),
  },
  'an agent': {
    code: 'NOT_AUTHORISED',
    open: async (service) =>
      open(
        service,
        await authority.issue(`agent-${service}`, { cluster: CLUSTER, role: 'agent', name: 'cp2' }),
      ),
  },
};

async function own(service: keyof typeof SERVICES): Promise<TlsFiles> {
  return authority.issue(`right-${service}`, { cluster: CLUSTER, role: roleOf(service), name: 'right' });
}

function open(service: keyof typeof SERVICES, tls: TlsFiles): Client {
  const { server, identity } = servers[service];
  return connect({ address: server.address, tls, expected: identity });
}

for (const service of ['agent', 'operator'] as const) {
  const methods = methodsOf(SERVICES[service]);

  describe(`${service} service`, () => {
    test('lets no stranger in that does not look at its own certificate first', async () => {
      const { server, reached } = servers[service];
      const strangers = [
        await authority.issueSelfSigned(`raw-self-${service}`, CLUSTER),
        await foreign.issue(`raw-foreign-${service}`, { cluster: CLUSTER, role: roleOf(service), name: 'x' }),
        await authority.issue(
          `raw-expired-${service}`,
          { cluster: CLUSTER, role: roleOf(service), name: 'x' },
          validity(-2, -1),
        ),
        await authority.issueForSigning(`raw-signing-${service}`, {
          cluster: CLUSTER,
          role: roleOf(service),
          name: 'x',
        }),
      ];
      for (const { certFile, keyFile } of strangers) {
        const client = new Client(
          server.address,
          credentials.createSsl(
            Buffer.from(authority.certificatePem),
            readFileSync(keyFile),
            readFileSync(certFile),
            { checkServerIdentity: () => undefined },
          ),
        );
        const before = reached.length;
        for (const method of methods) expect(await codeOf(call(client, method))).toBe('UNREACHABLE');
        expect(reached.length).toBe(before);
        client.close();
      }
    });

    test('answers the right role on every method', async () => {
      const client = open(service, await own(service));
      for (const method of methods)
        expect([method.path, await codeOf(call(client, method))]).toEqual([method.path, 'OK']);
      client.close();
    });

    for (const [who, { code, open: attempt }] of Object.entries(refused)) {
      test(`refuses ${who} on every method`, async () => {
        const { reached } = servers[service];
        const client = await attempt(service);
        for (const method of methods) {
          const before = reached.length;
          const mayRead = who === 'an agent' && method.path.endsWith('/ReadSnapshot');
          expect([method.path, await codeOf(call(client, method))]).toEqual([
            method.path,
            mayRead ? 'OK' : code,
          ]);
          expect(reached.length - before).toBe(mayRead ? 1 : 0);
        }
        client.close();
      });
    }

    test('is not taken for another one: name, role and cluster of who answers are checked', async () => {
      const { server, identity } = servers[service];
      const tls = await own(service);
      for (const expected of [
        { ...identity, name: 'cp2' },
        { ...identity, role: 'operator' as const },
        { ...identity, cluster: 'elsewhere' },
      ]) {
        const client = connect({ address: server.address, tls, expected });
        for (const method of methods) {
          expect([method.path, await codeOf(call(client, method))]).toEqual([
            method.path,
            'NOT_AUTHENTICATED',
          ]);
        }
        client.close();
      }
    });

    test('is not believed with a certificate of another CA, an expired one or one for signing', async () => {
      const { identity } = servers[service];
      for (const tls of [
        await foreign.issue(`server-foreign-${service}`, identity),
        await authority.issue(`server-expired-${service}`, identity, validity(-2, -1)),
        await authority.issueForSigning(`server-signing-${service}`, identity),
      ]) {
        const impostor = await startServer({
          listen: '127.0.0.1:0',
          tls: { ...tls, caFile: (await own(service)).caFile },
          cluster: CLUSTER,
          policy: POLICY,
          services: [countingService(SERVICES[service], [])],
          logger: createLogger('test', 'silent'),
        });
        const client = connect({ address: impostor.address, tls: await own(service), expected: identity });
        expect(await codeOf(call(client, methods[0] as AnyMethod))).toBe('NOT_AUTHENTICATED');
        client.close();
        await impostor.close(0);
      }
    });
  });
}

test('a method that the policy forgot keeps the server from starting', async () => {
  const { [SERVICES.agent.describe.path]: _forgotten, ...incomplete } = POLICY;
  await expect(
    startServer({
      listen: '127.0.0.1:0',
      tls: await own('agent'),
      cluster: CLUSTER,
      policy: incomplete,
      services: [countingService(SERVICES.agent as ServiceDefinition, [])],
      logger: createLogger('test', 'silent'),
    }),
  ).rejects.toThrow('/lockstep.v1.AgentService/Describe');
});
