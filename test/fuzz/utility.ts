import { spawnSync } from 'node:child_process';
import { kindOf, type Verdict } from './judge.ts';

/** A damaged store may keep the utility busy without end. */
const UTILITY_TIMEOUT_MS = 10_000;

export interface Comparison {
  readonly kind: string;
  /** Set where the two must agree and do not. */
  readonly fault?: string;
}

interface Status {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

/**
 * What `etcdutl snapshot status` (3.6 or later) says of the same file. Where it accepts what we
 * refuse, our refusal says why we are stricter; where both read it, the figures are the same.
 */
export function compareWithUtility(etcdutl: string, path: string, verdict: Verdict): Comparison {
  const status = utilityStatus(etcdutl, path);
  if (typeof status === 'string') {
    return { kind: verdict.kind === 'read' ? `we read it, the utility: ${status}` : 'both refuse' };
  }
  if (verdict.kind !== 'read') return { kind: `only the utility reads it: ${kindOf(verdict)}` };
  const ours = verdict.facts.status;
  const figures = {
    hash: ours?.hash,
    revision: Number(ours?.revision),
    totalKey: Number(ours?.liveKeys),
    totalSize: Number(ours?.totalSizeBytes),
  };
  const { hash, revision, totalKey, totalSize } = status;
  const theirs = { hash, revision, totalKey, totalSize };
  if (JSON.stringify(figures) === JSON.stringify(theirs))
    return { kind: 'both read it, with the same figures' };
  const fault = `figures differ: ${JSON.stringify(figures)}, the utility ${JSON.stringify(theirs)}`;
  return { kind: 'FIGURES DIFFER', fault };
}

/** Its figures, or in a word why it has none. */
function utilityStatus(etcdutl: string, path: string): Status | string {
  const { status, signal, stdout, stderr, error } = spawnSync(
    etcdutl,
    ['snapshot', 'status', path, '-w', 'json'],
    { timeout: UTILITY_TIMEOUT_MS, killSignal: 'SIGKILL', encoding: 'utf8' },
  );
  if (status === 0) return JSON.parse(stdout) as Status;
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT') return 'without end';
  if (signal !== null) return signal;
  const panic = /^(panic|fatal error|unexpected fault)[^\n]*/m.exec(stderr)?.[1];
  return panic ?? 'an error';
}
