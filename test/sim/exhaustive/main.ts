import { parseArgs } from 'node:util';
import { systemClock } from '@lockstep/shared/clock.ts';
import { faultsOf, type Progress, Search, type SearchResult } from './search.ts';
import { type Happening, NAMES } from './successors.ts';
import { traceText } from './trace.ts';

const MB = 1024 * 1024;
const MINUTE_MS = 60_000;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    faults: { type: 'string', default: '1' },
    coordinators: { type: 'string', default: '2' },
    'memory-mb': { type: 'string', default: '8000' },
    minutes: { type: 'string', default: '20' },
    /** Only these kinds of faults, with commas between. */
    only: { type: 'string' },
    'in-turn': { type: 'boolean', default: false },
    /** Follows every order also where it cannot matter. */
    'all-orders': { type: 'boolean', default: false },
    liveness: { type: 'boolean', default: false },
    /** Prints how the first of each end was reached. */
    examples: { type: 'boolean', default: false },
  },
});

const only = values.only?.split(',') as Happening[] | undefined;
for (const each of only ?? []) if (!NAMES.includes(each)) throw new Error(`no such happening: ${each}`);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const search = new Search({
  nodes: Number(values.nodes),
  faults: Number(values.faults),
  coordinators: Number(values.coordinators),
  only: only === undefined ? undefined : new Set(only),
  reduce: !values['all-orders'],
  startMembersInTurn: values['in-turn'],
  memoryBytes: Number(values['memory-mb']) * MB,
  deadlineMs: Number(values.minutes) * MINUTE_MS,
  liveness: values.liveness,
  stop: stop.signal,
  now: () => systemClock.monotonicMs(),
  report: process.stderr.isTTY ? (progress) => process.stderr.write(`\r${progressText(progress)}`) : () => {},
});
const result = await search.run();
process.stdout.write(resultText(result));
process.exit(result.violation === undefined && (result.stuck ?? -1) < 0 ? 0 : 1);

function progressText({ states, expanded, transitions, depth, bytes, elapsedMs, cpuMs }: Progress): string {
  const rate = Math.round(transitions / Math.max(0.001, cpuMs / 1000));
  return `${states} states, ${expanded} expanded, ${transitions} transitions, depth ${depth}, ${Math.round(bytes / MB)} MB, ${(elapsedMs / 1000).toFixed(1)} s (${(cpuMs / 1000).toFixed(1)} s of a core, ${rate} transitions in each)`;
}

function resultText(found: SearchResult): string {
  const { ending, violation, ends, stuck, parts } = found;
  const lines = [
    `${values.nodes} nodes, ${values.coordinators} coordinators, ${values.faults} faults${only === undefined ? '' : ` (${only.join(', ')})`}: ${ending}`,
    `  ${progressText(found)}`,
    `  parts: ${parts.agents} of nodes, ${parts.slots} of coordinators, ${parts.replies} answers`,
  ];
  for (const each of [...ends.values()].sort((a, b) => (a.what < b.what ? -1 : 1))) {
    const kinds = [...each.kinds].map((set) => faultsOf(set).join('+') || 'nothing');
    lines.push(`  ${each.what}: ${each.count}, first after ${kinds.sort().join(' | ')}`);
    if (values.examples) lines.push(...traceText(search, found.trace(each.example)));
  }
  if (stuck !== undefined) {
    lines.push(stuck < 0 ? '  every state can reach an end' : '  A STATE THAT REACHES NO END:');
    if (stuck >= 0) lines.push(...traceText(search, found.trace(stuck)));
  }
  if (violation !== undefined) {
    lines.push(`  VIOLATED: ${violation.words}`, ...traceText(search, violation.trace));
  }
  return `${lines.join('\n')}\n`;
}
