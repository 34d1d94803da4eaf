import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  AgentServiceService,
  type ImportSnapshotRequest,
  ImportSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { clientStream, connect } from '@lockstep/shared/transport/client.ts';
import { type CallContext, clientStreamHandler } from '@lockstep/shared/transport/handlers.ts';
import { startServer } from '@lockstep/shared/transport/server.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countingService, POLICY } from './echo-services.ts';
import { TestAuthority } from './identities.ts';

const CLUSTER = 'test';
const AGENT = { cluster: CLUSTER, role: 'agent', name: 'cp1' } as const;
const COORDINATOR = { cluster: CLUSTER, role: 'coordinator', name: 'c1' } as const;
const PIECE_BYTES = 256 * 1024;
const SILENCE_MS = 400;
/** What the two sides of a connection hold at most: windows, and sockets. */
const ON_THE_WAY_BYTES = 48 * 1024 * 1024;

type Answer = (
  requests: AsyncIterable<ImportSnapshotRequest>,
  context: CallContext,
) => Promise<ImportSnapshotResponse>;

let stack: AsyncDisposableStack;
let authority: TestAuthority;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-client-stream-'));
  stack.defer(() => rm(directory, { recursive: true }));
  authority = await TestAuthority.create(directory);
});
afterEach(() => stack.disposeAsync());

async function serving(answer: Answer) {
  const { definition, implementation } = countingService(AgentServiceService, []);
  const importSnapshot = clientStreamHandler(answer, SILENCE_MS) as UntypedHandleCall;
  const server = await startServer({
    listen: '127.0.0.1:0',
    tls: await authority.issue('server', AGENT),
    cluster: CLUSTER,
    policy: POLICY,
    services: [{ definition, implementation: { ...implementation, importSnapshot } }],
    logger: createLogger('test', 'silent'),
  });
  stack.defer(() => server.close(0));
  const client = connect({
    address: server.address,
    tls: await authority.issue('client', COORDINATOR),
    expected: AGENT,
  });
  stack.defer(() => client.close());
  return (requests: AsyncIterable<ImportSnapshotRequest>, signal = deadline(20_000)) =>
    clientStream(client, AgentServiceService.importSnapshot, requests, signal);
}

function piece(value = Buffer.alloc(PIECE_BYTES)): ImportSnapshotRequest {
  return { part: { $case: 'data', value } };
}

async function* pieces(count: number, given: { pieces: number } = { pieces: 0 }) {
  for (let index = 0; index < count; index += 1) {
    given.pieces += 1;
    yield piece();
  }
}

const EMPTY = ImportSnapshotResponse.create({});

test('everything that is sent arrives, in order, and the answer comes back', async () => {
  const seen: (number | undefined)[] = [];
  const send = await serving(async (requests) => {
    for await (const { part } of requests) seen.push(part?.$case === 'data' ? part.value[0] : undefined);
    return EMPTY;
  });
  async function* numbered() {
    for (let index = 0; index < 300; index += 1) yield piece(Buffer.alloc(1000, index % 256));
  }
  await send(numbered());
  expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => index % 256));
});

test('a slow taker is sent no more than the connection holds', async () => {
  const given = { pieces: 0 };
  const send = await serving(async (requests) => {
    const stream = requests[Symbol.asyncIterator]();
    await stream.next();
    await delay(SILENCE_MS * 2);
    expect(given.pieces * PIECE_BYTES).toBeLessThan(ON_THE_WAY_BYTES);
    // Taking slowly is not the caller's silence.
    await stream.next();
    return EMPTY;
  });
  await send(pieces(1_000, given));
  expect(given.pieces).toBeLessThan(1_000);
});

test('a refusal in the middle arrives with its code, and sending ends', async () => {
  const given = { pieces: 0 };
  const send = await serving(async (requests) => {
    for await (const _ of requests) throw new LockstepError('DISK_FULL', { node: 'cp1' });
    return EMPTY;
  });
  await expect(send(pieces(1_000, given))).rejects.toMatchObject({ code: 'DISK_FULL', node: 'cp1' });
  expect(given.pieces).toBeLessThan(1_000);
});

test('a caller that falls silent is given up, and told so', async () => {
  const send = await serving(async (requests) => {
    for await (const _ of requests);
    return EMPTY;
  });
  async function* stalling() {
    yield piece();
    await delay(SILENCE_MS * 4);
    yield piece();
  }
  await expect(send(stalling())).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('sent nothing'),
  });
});

test('what the source throws ends the call on both sides', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const arrived = Promise.withResolvers<void>();
  const send = await serving(async (requests) => {
    try {
      for await (const _ of requests) arrived.resolve();
      resolve('whole');
    } catch (thrown) {
      resolve(thrown);
      throw thrown;
    }
    return EMPTY;
  });
  const cause = new LockstepError('STORE_UNREACHABLE');
  async function* breaking() {
    yield piece();
    await arrived.promise;
    throw cause;
  }
  await expect(send(breaking())).rejects.toBe(cause);
  expect(String(await ended)).toContain('went away');
});

test('a deadline ends it', async () => {
  const send = await serving((_requests, { signal }) => {
    const { promise, reject } = Promise.withResolvers<ImportSnapshotResponse>();
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    return promise;
  });
  await expect(send(pieces(2), deadline(300))).rejects.toMatchObject({ code: 'UNREACHABLE' });
});
