import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  AgentServiceService,
  DescribeResponse,
  ReadSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { connect, serverStream, unary } from '@lockstep/shared/transport/client.ts';
import { type CallContext, streamHandler, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { KEEPALIVE_TIME_MS, KEEPALIVE_TIMEOUT_MS } from '@lockstep/shared/transport/limits.ts';
import { startServer } from '@lockstep/shared/transport/server.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countingService, POLICY } from './echo-services.ts';
import { TestAuthority } from './identities.ts';

const CLUSTER = 'test';
const AGENT = { cluster: CLUSTER, role: 'agent', name: 'cp1' } as const;
const COORDINATOR = { cluster: CLUSTER, role: 'coordinator', name: 'c1' } as const;
const CHUNK_BYTES = 256 * 1024;

let stack: AsyncDisposableStack;
let authority: TestAuthority;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-calls-'));
  stack.defer(() => rm(directory, { recursive: true }));
  authority = await TestAuthority.create(directory);
});
afterEach(() => stack.disposeAsync());

async function serve(handlers: Partial<Record<keyof typeof AgentServiceService, UntypedHandleCall>>) {
  const { definition, implementation } = countingService(AgentServiceService, []);
  const server = await startServer({
    listen: '127.0.0.1:0',
    tls: await authority.issue('server', AGENT),
    cluster: CLUSTER,
    policy: POLICY,
    services: [{ definition, implementation: { ...implementation, ...handlers } }],
    logger: createLogger('test', 'silent'),
  });
  stack.defer(() => server.close(0));
  return server;
}

async function dial(address: string) {
  const client = connect({ address, tls: await authority.issue('client', COORDINATOR), expected: AGENT });
  stack.defer(() => client.close());
  return client;
}

function describeHandler(answer: (context: CallContext) => Promise<DescribeResponse>): UntypedHandleCall {
  return unaryHandler((_request, context) => answer(context)) as UntypedHandleCall;
}

const CHUNK = ReadSnapshotResponse.create({ data: Buffer.alloc(CHUNK_BYTES) });
const READ = { snapshotId: 's', offsetBytes: 0n };

test('a failure travels with its code, words, node and causes', async () => {
  const { address } = await serve({
    describe: describeHandler(async () => {
      throw new LockstepError('SPACE_TOO_LITTLE', {
        message: '3 GiB needed, 1 GiB free.',
        node: 'cp1',
        cause: new Error('statfs', { cause: new Error('EIO') }),
      });
    }),
  });
  const client = await dial(address);
  const error = await unary(client, AgentServiceService.describe, {}, deadline(5_000)).catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LockstepError);
  expect(error).toMatchObject({
    code: 'SPACE_TOO_LITTLE',
    message: '3 GiB needed, 1 GiB free.',
    node: 'cp1',
    cause: { message: 'statfs', cause: { message: 'EIO' } },
  });
});

test('a failure in the middle of a stream comes after what was sent, whole, however long its causes', async () => {
  const { address } = await serve({
    readSnapshot: streamHandler(async function* () {
      yield CHUNK;
      throw new LockstepError('SNAPSHOT_CORRUPT', {
        message: 'page 7',
        cause: new Error('x'.repeat(100_000)),
      });
    }) as UntypedHandleCall,
  });
  const client = await dial(address);
  let received = 0;
  const reading = async () => {
    for await (const _ of serverStream(client, AgentServiceService.readSnapshot, READ, deadline(5_000)))
      received += 1;
  };
  await expect(reading()).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT', message: 'page 7' });
  expect(received).toBe(1);
});

test('the handler knows who calls', async () => {
  const { address } = await serve({
    describe: describeHandler(async ({ caller }) => {
      throw new LockstepError('INTERNAL', { message: `${caller.cluster} ${caller.role} ${caller.name}` });
    }),
  });
  const client = await dial(address);
  await expect(unary(client, AgentServiceService.describe, {}, deadline(5_000))).rejects.toThrow(
    'test coordinator c1',
  );
});

test('giving up on one side aborts the signal on the other', async () => {
  const aborted = Promise.withResolvers<void>();
  const { address } = await serve({
    describe: describeHandler(async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      await delay(30_000, undefined, { signal });
      return DescribeResponse.create();
    }),
  });
  const client = await dial(address);
  const controller = new AbortController();
  const call = unary(client, AgentServiceService.describe, {}, controller.signal);
  setTimeout(() => controller.abort(new Error('enough')), 200);
  await expect(call).rejects.toThrow('enough');
  await aborted.promise;

  await expect(unary(client, AgentServiceService.describe, {}, deadline(100))).rejects.toMatchObject({
    code: 'UNREACHABLE',
  });
});

test('leaving a stream early ends the handler’s generator', async () => {
  const ended = Promise.withResolvers<string>();
  const { address } = await serve({
    readSnapshot: streamHandler(async function* () {
      try {
        for (;;) yield CHUNK;
      } finally {
        ended.resolve('ended');
      }
    }) as UntypedHandleCall,
  });
  const client = await dial(address);
  for await (const _ of serverStream(client, AgentServiceService.readSnapshot, READ, deadline(5_000))) break;
  expect(await ended.promise).toBe('ended');
});

test('a slow reader holds the sender back', async () => {
  let produced = 0;
  const { address } = await serve({
    readSnapshot: streamHandler(async function* () {
      for (; produced < 1_000; produced += 1) yield CHUNK;
    }) as UntypedHandleCall,
  });
  const client = await dial(address);
  const stream = serverStream(client, AgentServiceService.readSnapshot, READ, deadline(10_000));
  await stream.next();
  await delay(1_000);
  // The window, and a few chunks in the buffers of either side; not the 250 MB that there are.
  expect(produced).toBeLessThan(200);
  for (let received = 1; received < 300; received += 1) await stream.next();
  expect(produced).toBeGreaterThanOrEqual(300);
  await stream.return();
});

test('a peer that falls silent is noticed within seconds', async () => {
  const { address } = await serve({
    readSnapshot: streamHandler(async function* (_request, { signal }) {
      yield CHUNK;
      await delay(60_000, undefined, { signal });
    }) as UntypedHandleCall,
  });
  const proxy = await silenceable(address);
  const client = await dial(proxy.address);
  const startedMs = Date.now();
  const reading = async () => {
    for await (const _ of serverStream(client, AgentServiceService.readSnapshot, READ, deadline(60_000)))
      proxy.silence();
  };
  await expect(reading()).rejects.toMatchObject({ code: 'UNREACHABLE' });
  expect(Date.now() - startedMs).toBeLessThan(KEEPALIVE_TIME_MS + KEEPALIVE_TIMEOUT_MS + 2_000);
});

test('nobody there is UNREACHABLE at once', async () => {
  const client = await dial('127.0.0.1:1');
  await expect(unary(client, AgentServiceService.describe, {}, deadline(5_000))).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

/** A wire that can go dead without closing, as a host does that loses its power. */
async function silenceable(target: string): Promise<{ address: string; silence: () => void }> {
  const [host, port] = target.split(':') as [string, string];
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = tcpConnect(Number(port), host);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
    sockets.push(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no address');
  return {
    address: `127.0.0.1:${bound.port}`,
    silence: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
