import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ApiClient } from '../api-server/client.ts';
import { type Attempt, Availability, type ProbeEvent } from './availability.ts';

/**
 * Writes and reads back through every API server, and prints a JSON line whenever the API as a whole
 * comes or goes. A process of its own, so that what it measures is not slowed by what it measures.
 */
/** Of each server; three of them, out of step, make a write every 15 ms. */
const INTERVAL_MS = 45;
/** While a server fails it is asked more often: that is the resolution of an outage's end. */
const FAILING_INTERVAL_MS = 10;
const ATTEMPT_TIMEOUT_MS = 1_000;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

const now = (): number => performance.timeOrigin + performance.now();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      servers: { type: 'string' },
      ca: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
    },
  });
  const servers = (values.servers ?? '').split(',').filter((server) => server !== '');
  if (servers.length === 0) throw new Error('--servers=https://… is missing');
  const files = { caFile: values.ca ?? '', certFile: values.cert ?? '', keyFile: values.key ?? '' };
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());

  const availability = new Availability(servers.length);
  const print = (event: ProbeEvent | undefined): void => {
    if (event !== undefined) process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  await Promise.all(
    servers.map((server, index) =>
      probeServer(
        index,
        servers.length,
        new ApiClient(server, files),
        (attempt) => print(availability.observe(attempt)),
        stopping.signal,
      ),
    ),
  );
  print(availability.stop(now()));
}

/** One server for ever, at a steady pace, out of step with the others. */
async function probeServer(
  index: number,
  servers: number,
  client: ApiClient,
  onAttempt: (attempt: Attempt) => void,
  signal: AbortSignal,
): Promise<void> {
  using _ = client;
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);
  await pause((index * INTERVAL_MS) / servers);
  for (let count = 0; !signal.aborted; count += 1) {
    const acknowledgedMs = await writeAndReadBack(client, `lockstep-prober-${index}`, String(count));
    if (signal.aborted) return;
    const ok = acknowledgedMs !== undefined;
    onAttempt({ server: index, ok, atMs: acknowledgedMs ?? now() });
    await pause(ok ? INTERVAL_MS : FAILING_INTERVAL_MS);
  }
}

/** When the write was acknowledged; undefined where it was not, or was not there to be read. */
async function writeAndReadBack(client: ApiClient, name: string, value: string): Promise<number | undefined> {
  const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
  const path = `${CONFIG_MAPS}/${name}`;
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data: { value },
  };
  try {
    let answer = await client.call('PUT', path, object, signal);
    // A store brought back to before the first probe does not know the object.
    if (answer.code === 404) answer = await client.call('POST', CONFIG_MAPS, object, signal);
    const acknowledgedMs = now();
    if (answer.code !== 200 && answer.code !== 201) return undefined;
    const { data } = await client.json<{ data?: { value?: string } }>('GET', path, 200, undefined, signal);
    return data?.value === value ? acknowledgedMs : undefined;
  } catch {
    return undefined;
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
