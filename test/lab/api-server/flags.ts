/** The flags of kube-apiserver that the stand-in understands, as kubeadm writes them; others are ignored. */
export interface ApiServerFlags {
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly etcdServers: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdCaFile: string | undefined;
  readonly etcdCertFile: string | undefined;
  readonly etcdKeyFile: string | undefined;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string;
  /** How often the store is compacted; 0 never. */
  readonly etcdCompactionIntervalMs: number;
}

const DURATION_UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Go's durations, as far as flags use them: `5m0s`, `1h`, `0`. */
export function parseDurationMs(text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+(ms|h|m|s))+$/.test(text)) throw new Error(`not a duration: ${text}`);
  let totalMs = 0;
  for (const part of text.matchAll(/(\d+)(ms|h|m|s)/g)) {
    totalMs += Number(part[1]) * (DURATION_UNIT_MS[part[2] ?? ''] ?? 0);
  }
  return totalMs;
}

/** Reads `--name=value`; the last of a name wins, as with Go's flags. Throws on a missing flag it cannot do without. */
export function parseFlags(argv: readonly string[]): ApiServerFlags {
  const flags = new Map<string, string>();
  for (const argument of argv) {
    const match = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(argument);
    if (match?.[1] !== undefined) flags.set(match[1], match[2] ?? 'true');
  }
  const need = (name: string): string => {
    const value = flags.get(name);
    if (value === undefined || value === '') throw new Error(`flag --${name} is missing`);
    return value;
  };
  return {
    advertiseAddress: need('advertise-address'),
    securePort: Number(flags.get('secure-port') ?? '6443'),
    etcdServers: need('etcd-servers').split(','),
    etcdPrefix: `/${(flags.get('etcd-prefix') ?? '/registry').replace(/^\/+|\/+$/g, '')}`,
    etcdCaFile: flags.get('etcd-cafile'),
    etcdCertFile: flags.get('etcd-certfile'),
    etcdKeyFile: flags.get('etcd-keyfile'),
    tlsCertFile: need('tls-cert-file'),
    tlsPrivateKeyFile: need('tls-private-key-file'),
    clientCaFile: need('client-ca-file'),
    etcdCompactionIntervalMs: parseDurationMs(flags.get('etcd-compaction-interval') ?? '5m'),
  };
}
