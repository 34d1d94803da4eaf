import { basename } from 'node:path';

/** Flags of a command as it was given: every value of every flag, in order. */
export type Flags = ReadonlyMap<string, readonly string[]>;

/**
 * Go's flag packages never take the next word as the value of a boolean flag, so
 * `--client-cert-auth --name m1` must not read as "client-cert-auth is --name". What follows a flag
 * that is not here and does not begin with a dash is its value.
 */
const BOOLEAN_FLAGS: ReadonlySet<string> = new Set([
  'allow-privileged',
  'auto-tls',
  'client-cert-auth',
  'debug',
  'enable-bootstrap-token-auth',
  'enable-pprof',
  'enable-v2',
  'experimental-compact-hash-check-enabled',
  'experimental-initial-corrupt-check',
  'force-new-cluster',
  'peer-auto-tls',
  'peer-client-cert-auth',
  'pre-vote',
  'profiling',
  'strict-reconfig-check',
]);

/** `--a=b`, `--a b`, `-a=b` and bare `--a` (a boolean: "true"). Words that are no flag's are skipped. */
export function parseFlags(words: readonly string[]): Flags {
  const flags = new Map<string, string[]>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') break;
    const match = /^--?(?<name>[A-Za-z][\w.-]*)(?:=(?<value>.*))?$/su.exec(word);
    const name = match?.groups?.['name'];
    if (name === undefined) continue;
    let value = match?.groups?.['value'];
    const next = words[at + 1];
    if (value === undefined && !BOOLEAN_FLAGS.has(name) && next !== undefined && !next.startsWith('-')) {
      value = next;
      at += 1;
    }
    const values = flags.get(name) ?? [];
    values.push(value ?? 'true');
    flags.set(name, values);
  }
  return flags;
}

/** The value that counts where a flag is given more than once: the last. */
export function lastValue(flags: Flags, name: string): string | undefined {
  return flags.get(name)?.at(-1);
}

export function listValue(flags: Flags, name: string): string[] {
  return splitList(lastValue(flags, name) ?? '');
}

/** Values of a flag that may be repeated and that takes lists as well. */
export function allValues(flags: Flags, name: string): string[] {
  return (flags.get(name) ?? []).flatMap(splitList);
}

export function booleanValue(flags: Flags, name: string): boolean {
  return ['true', '1', 't', 'T', 'TRUE', 'True'].includes(lastValue(flags, name) ?? '');
}

/** `--feature-gates=A=true,B=false` */
export function featureGate(flags: Flags, gate: string): boolean {
  const settings = allValues(flags, 'feature-gates').map((setting) => setting.split('='));
  return settings.findLast(([name]) => name === gate)?.[1]?.toLowerCase() === 'true';
}

/** True for any way of starting etcd that a manifest can name, a shell around it included. */
export function runsEtcd(words: readonly string[]): boolean {
  return words.some((word) => basename(word) === 'etcd' || /(?:^|[\s/;&|])etcd(?:\s+-|\s*$)/u.test(word));
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}
