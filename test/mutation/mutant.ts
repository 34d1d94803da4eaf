import { createHash } from 'node:crypto';
import type { Source } from './syntax.ts';

/** The families of the issue: what is removed or inverted, one at a time. */
export type OperatorName = 'sync' | 'comparison' | 'guard' | 'flag' | 'proof' | 'order' | 'table' | 'record';

/** A replacement of source text. Several make one mutant where things change places. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What an operator proposes. */
export interface Proposal {
  readonly operator: OperatorName;
  /** What is done, such as "never taken": part of the identity. */
  readonly how: string;
  /** The function or table that it happens in. */
  readonly owner: string;
  readonly changes: readonly Change[];
}

export interface Mutant {
  /**
   * Twelve hexadecimal digits of file, operator, owner, texts and an ordinal among equals: the same
   * mutant keeps its name when lines above it come and go.
   */
  readonly id: string;
  readonly file: string;
  readonly operator: OperatorName;
  readonly how: string;
  readonly owner: string;
  /** Of the first change, from 1; for a reader. */
  readonly line: number;
  /** What was there, on one line. */
  readonly was: string;
  /** What is there instead. */
  readonly is: string;
  /** The whole source, changed. */
  readonly text: string;
}

export function nameMutants(source: Source, proposals: readonly Proposal[]): Mutant[] {
  const seen = new Map<string, number>();
  const made = new Set<string>();
  return proposals.flatMap((proposal): Mutant[] => {
    const changes = proposal.changes.toSorted((a, b) => a.start - b.start);
    const text = mutate(source.text, changes);
    // Two operators may come to the same program; one of them is enough.
    if (text === source.text || made.has(text)) return [];
    made.add(text);
    const was = changes.map(({ start, end }) => oneLine(source.text.slice(start, end))).join(' … ');
    const is = changes.map((change) => oneLine(change.text)).join(' … ');
    const key = [source.file, proposal.operator, proposal.how, proposal.owner, was, is].join('\n');
    const ordinal = seen.get(key) ?? 0;
    seen.set(key, ordinal + 1);
    const id = createHash('sha256').update(`${key}\n${ordinal}`).digest('hex').slice(0, 12);
    const line = source.text.slice(0, changes[0]?.start ?? 0).split('\n').length;
    const { operator, how, owner } = proposal;
    return [{ id, file: source.file, operator, how, owner, line, was, is, text }];
  });
}

function mutate(text: string, changes: readonly Change[]): string {
  let at = 0;
  let mutated = '';
  for (const change of changes) {
    mutated += text.slice(at, change.start) + change.text;
    at = change.end;
  }
  return mutated + text.slice(at);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
