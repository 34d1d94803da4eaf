import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, type Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import { Api } from './api.ts';
import { type ApiServerFlags, parseFlags } from './flags.ts';
import { keepMasterLease } from './master-lease.ts';
import { listen } from './server.ts';
import { EtcdStore } from './store.ts';
import { WatchCache } from './watch-cache.ts';

/**
 * A stand-in for kube-apiserver, true to it in what a restore of its store touches: keys, revisions,
 * list and watch over a rewound or compacted store, masterleases, and how long it takes to serve.
 */
const POLL_ETCD_MS = 100;
const POLL_TIMEOUT_MS = 1_000;
const HEALTH_TIMEOUT_MS = 2_000;
const COMPACT_KEY = 'compact_rev_key';

async function main(): Promise<void> {
  // gRPC warns once per connection that a server's name may not be an address; kubeadm's are.
  (process as { noDeprecation?: boolean }).noDeprecation = true;
  const flags = parseFlags(process.argv.slice(2));
  const logger = createLogger('kube-apiserver');
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());

  using store = new EtcdStore({
    servers: flags.etcdServers,
    caFile: flags.etcdCaFile,
    certFile: flags.etcdCertFile,
    keyFile: flags.etcdKeyFile,
  });
  const cache = new WatchCache();
  await etcdAnswers(store, stopping.signal);
  logger.info('etcd answers');
  await Promise.all([
    delay(timings.apiServerStartMs, undefined, { signal: stopping.signal }),
    followStore(store, cache, logger, stopping.signal),
  ]);

  const server = await listen({
    address: flags.advertiseAddress,
    port: flags.securePort,
    certFile: flags.tlsCertFile,
    keyFile: flags.tlsPrivateKeyFile,
    clientCaFile: flags.clientCaFile,
    api: new Api({ store, cache, etcdPrefix: flags.etcdPrefix }),
    cache,
    etcdAnswers: () =>
      store.revision(HEALTH_TIMEOUT_MS).then(
        () => true,
        () => false,
      ),
    signal: stopping.signal,
  });
  logger.info({ address: flags.advertiseAddress, objects: cache.size }, 'serving');
  const background = [
    keepMasterLease(
      store,
      {
        etcdPrefix: flags.etcdPrefix,
        address: flags.advertiseAddress,
        onError: (error) => logger.warn({ error: String(error) }, 'masterlease not renewed'),
      },
      stopping.signal,
    ),
    compactRegularly(store, flags, logger, stopping.signal),
  ];

  await new Promise((resolve) => {
    stopping.signal.addEventListener('abort', resolve, { once: true });
    if (stopping.signal.aborted) resolve(undefined);
  });
  logger.info('stopping');
  server.close();
  server.closeIdleConnections();
  await Promise.all([delay(timings.apiServerStopMs), ...background]);
  server.closeAllConnections();
}

/** Nothing else counts before: the real one does not start its storage without etcd either. */
async function etcdAnswers(store: EtcdStore, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await store.revision(POLL_TIMEOUT_MS);
      return;
    } catch {
      await delay(POLL_ETCD_MS, undefined, { signal });
    }
  }
}

/** Fills the cache, and keeps it current in the background; a compaction that overtook it means a new list. */
async function followStore(
  store: EtcdStore,
  cache: WatchCache,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { objects, revision } = await store.list('');
  cache.replace(objects, revision);
  void store
    .watch(
      revision + 1n,
      {
        onChanges(changes, seen) {
          for (const change of changes) {
            if (change.kind === 'put') cache.put(change.object);
            else cache.remove(change.key, change.revision);
          }
          cache.advance(seen);
        },
        onCompacted() {
          logger.warn('the watched revision is compacted: listing again');
          void followStore(store, cache, logger, signal).catch((error: unknown) => {
            logger.error({ error: String(error) }, 'the store cannot be listed');
            process.exit(1);
          });
        },
      },
      signal,
    )
    .catch((error: unknown) => logger.error({ error: String(error) }, 'the watch of the store ended'));
}

/** As kube-apiserver: notes the revision in a key of the root, and compacts to the one noted an interval ago. */
async function compactRegularly(
  store: EtcdStore,
  flags: ApiServerFlags,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (flags.etcdCompactionIntervalMs === 0) return;
  let target = 0n;
  let version = 0n;
  for (;;) {
    try {
      await delay(flags.etcdCompactionIntervalMs, undefined, { signal });
    } catch {
      return;
    }
    try {
      const { object, revision } = await store.get(COMPACT_KEY);
      const isOurs = (object?.modRevision ?? 0n) === version;
      const written = isOurs
        ? await store.putIf(COMPACT_KEY, Buffer.from(target.toString()), version)
        : undefined;
      if (written !== undefined && target > 0n) await store.compact(target);
      version = written ?? object?.modRevision ?? 0n;
      target = revision;
    } catch (error) {
      logger.warn({ error: String(error) }, 'not compacted');
    }
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
process.exit();
