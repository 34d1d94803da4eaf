import { writeFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { readDamaged } from '@lockstep/shared/evidence/damage.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { collectFacts, type StoreFacts } from '@lockstep/shared/snapshot/collect-facts.ts';
import { finish } from '@lockstep/shared/snapshot/steps.ts';
import type { Mutant } from './mutate.ts';

/** Times the file that reading it may take on the heap, buffers and garbage included. */
export const HEAP_FACTOR = 4;
/** What a reading takes whatever the file: the readers, their tables and small caches, and garbage of before. */
export const HEAP_BASE_BYTES = 8 * 1024 * 1024;
/** Longest that one mutant may take, of the processor's time: a busy machine is no fault of the reader. */
export const DEADLINE_MS = 2_000;

/** What a refusal names: a page, or that the file as a whole is too short or lacks a bucket. */
const NAMED = /\b[Pp]ages? \d+|inside its entry|no bucket (key|meta)|big-endian|too short/;

export type Verdict =
  | { readonly kind: 'read'; readonly facts: StoreFacts }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Reads the mutant in every way that evidence is read: walk with all figures, rows, values,
 * carved rows. `failed` is what must not be: another error than the two, a refusal that names no
 * page, too much memory or time.
 */
export function judge(mutant: Mutant, path: string): Verdict {
  writeFileSync(path, mutant.bytes);
  const heapBefore = heapBytes();
  const start = process.threadCpuUsage();
  const verdict = readAll(path);
  const { user, system } = process.threadCpuUsage(start);
  const tookMs = (user + system) / 1000;
  const heap = heapBytes() - heapBefore;
  const mostHeap = HEAP_BASE_BYTES + HEAP_FACTOR * mutant.bytes.length;
  if (verdict.kind === 'failed') return verdict;
  if (tookMs > DEADLINE_MS) return { kind: 'failed', why: `took ${Math.round(tookMs)} ms` };
  if (heap > mostHeap) return { kind: 'failed', why: `took ${heap} bytes for ${mutant.bytes.length}` };
  return verdict;
}

function readAll(path: string): Verdict {
  let facts: StoreFacts;
  try {
    facts = finish(collectFacts(path, {}));
  } catch (thrown) {
    return salvaged(path, refusal(thrown));
  }
  try {
    using evidence = openEvidence(path);
    let rows = 0;
    evidence.rows((row) => {
      rows++;
      if (rows % 16 === 0) evidence.value(row.main, row.sub);
    });
    evidence.carved((row) => void row.key);
    if (BigInt(evidence.facts.revision) !== facts.status?.revision) {
      return { kind: 'failed', why: `two readings: revision ${evidence.facts.revision}` };
    }
    return { kind: 'read', facts };
  } catch (thrown) {
    return { kind: 'failed', why: `its figures were read, its rows were not: ${String(thrown)}` };
  }
}

/** What is refused is read around: without another error, but where no header is left to go by. */
function salvaged(path: string, verdict: Verdict): Verdict {
  try {
    readDamaged(path, (row) => void row.key);
    return verdict;
  } catch (thrown) {
    const again = refusal(thrown);
    return again.kind === 'failed' ? { kind: 'failed', why: `salvage: ${again.why}` } : verdict;
  }
}

function refusal(thrown: unknown): Verdict {
  if (!(thrown instanceof LockstepError)) {
    return {
      kind: 'failed',
      why: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    };
  }
  const { code, message } = thrown;
  if (code === 'SNAPSHOT_TRUNCATED') return { kind: 'refused', code, message };
  if (code !== 'SNAPSHOT_CORRUPT') return { kind: 'failed', why: `${code}: ${message}` };
  if (!NAMED.test(message)) return { kind: 'failed', why: `names no page: ${message}` };
  return { kind: 'refused', code, message };
}

/** Live and not yet collected: what was allocated since the last collection, so at least the peak. */
function heapBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** The message without its numbers: refusals of one kind are counted together. */
export function kindOf(verdict: Verdict): string {
  if (verdict.kind === 'read') return 'read';
  if (verdict.kind === 'failed') return 'FAILED';
  return `${verdict.code} ${verdict.message
    .replaceAll(/\/\S+/g, 'PATH')
    .replaceAll(/\d+/g, 'N')
    .replaceAll(/Bucket \S+,/g, 'Bucket B,')}`;
}
