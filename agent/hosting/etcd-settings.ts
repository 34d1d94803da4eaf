import { booleanValue, type Flags, featureGate, lastValue, listValue, parseFlags } from './flags.ts';
import { hostPathOf, type ManifestContainer } from './static-pod/manifest.ts';

/** What etcd is told, with etcd's own defaults. Paths are host paths. */
export interface EtcdSettings {
  readonly name: string;
  readonly dataDir: string;
  /** Empty where the WAL lies inside the data directory. */
  readonly walDir: string;
  readonly listenClientUrls: readonly string[];
  readonly listenPeerUrls: readonly string[];
  readonly advertiseClientUrls: readonly string[];
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly initialCluster: string;
  readonly forceNewCluster: boolean;
  readonly initialCorruptCheck: boolean;
  /** Effective: etcd takes an unset quota for 2 GiB. 0: no limit. */
  readonly quotaBytes: bigint;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly trustedCaFile: string | undefined;
  readonly peerCertFile: string | undefined;
  readonly peerKeyFile: string | undefined;
  readonly peerTrustedCaFile: string | undefined;
  /** What keeps the flags from being known; empty where they are. */
  readonly unknowable: string;
}

const DEFAULT_QUOTA_BYTES = 2_147_483_648n;

export function readEtcdSettings(container: ManifestContainer): EtcdSettings {
  const flags = withEnvironment(parseFlags(container.words), container.environment);
  const toHost = (path: string): string => hostPathOf(container, path) ?? path;
  return settingsOf(flags, toHost, whyUnknowable(container, flags));
}

/** From flags, wherever they are said. `toHost` makes a path that etcd is given one of the host. */
export function settingsOf(flags: Flags, toHost: (path: string) => string, unknowable: string): EtcdSettings {
  const path = (name: string): string | undefined => {
    const value = lastValue(flags, name);
    return value === undefined || value === '' ? undefined : toHost(value);
  };
  const name = lastValue(flags, 'name') ?? 'default';
  return {
    name,
    dataDir: path('data-dir') ?? '',
    walDir: path('wal-dir') ?? '',
    listenClientUrls: urls(flags, 'listen-client-urls', 'http://localhost:2379'),
    listenPeerUrls: urls(flags, 'listen-peer-urls', 'http://localhost:2380'),
    advertiseClientUrls: urls(flags, 'advertise-client-urls', 'http://localhost:2379'),
    initialAdvertisePeerUrls: urls(flags, 'initial-advertise-peer-urls', 'http://localhost:2380'),
    initialCluster: lastValue(flags, 'initial-cluster') ?? '',
    forceNewCluster: booleanValue(flags, 'force-new-cluster'),
    initialCorruptCheck:
      booleanValue(flags, 'experimental-initial-corrupt-check') || featureGate(flags, 'InitialCorruptCheck'),
    quotaBytes: effectiveQuota(lastValue(flags, 'quota-backend-bytes')),
    certFile: path('cert-file'),
    keyFile: path('key-file'),
    trustedCaFile: path('trusted-ca-file'),
    peerCertFile: path('peer-cert-file'),
    peerKeyFile: path('peer-key-file'),
    peerTrustedCaFile: path('peer-trusted-ca-file'),
    unknowable,
  };
}

/** Loopback first: that listener is there whatever becomes of the node's addresses. */
export function clientUrlOf(settings: EtcdSettings): string {
  const [first = ''] = settings.listenClientUrls;
  return reachable(first);
}

/** A listener on every address answers on loopback. */
export function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

/** etcd takes ETCD_DATA_DIR for --data-dir where the flag is not given. */
export function withEnvironment(flags: Flags, environment: ReadonlyMap<string, string>): Flags {
  const merged = new Map(flags);
  for (const [name, value] of environment) {
    if (!name.startsWith('ETCD_')) continue;
    const flag = name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-');
    if (!merged.has(flag)) merged.set(flag, [value]);
  }
  return merged;
}

function whyUnknowable(container: ManifestContainer, flags: Flags): string {
  if (flags.has('config-file')) return 'etcd reads --config-file and ignores its flags';
  const [program = ''] = container.words;
  if (!program.endsWith('etcd'))
    return `etcd is started through '${program}', so that its flags cannot be read`;
  if (lastValue(flags, 'data-dir') === undefined) return 'the manifest names no --data-dir';
  if (hostPathOf(container, lastValue(flags, 'data-dir') ?? '') === undefined) {
    return '--data-dir lies on no hostPath volume';
  }
  return '';
}

function urls(flags: Flags, name: string, otherwise: string): readonly string[] {
  const given = listValue(flags, name);
  return given.length > 0 ? given : [otherwise];
}

function effectiveQuota(text: string | undefined): bigint {
  const quota = /^-?\d+$/u.test(text ?? '') ? BigInt(text ?? '0') : 0n;
  if (quota < 0n) return 0n;
  return quota === 0n ? DEFAULT_QUOTA_BYTES : quota;
}
