import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { PackedChunks } from '@lockstep/agent/snapshots/packed-chunks.ts';
import { serveSnapshot } from '@lockstep/agent/snapshots/serve.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import {
  AgentServiceService,
  type ReadSnapshotRequest,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { type CallContext, streamHandler } from '@lockstep/shared/transport/handlers.ts';
import { startServer } from '@lockstep/shared/transport/server.ts';
import { TestAuthority } from '../integration/transport/identities.ts';
import { GrownLab } from './snapshots/grown-lab.ts';
import { OwnProcessors } from './snapshots/own-processors.ts';
import { median } from './verdict.ts';

const USAGE = `Usage: node test/bench/pull.ts [--runs N] [--size MB] [--snapshot FILE] [--one-machine]

What a snapshot takes on the wire, over its raw bytes, and how long three nodes take to pull it side by
side, over one. Each node has a fixed and equal share of this machine's processors, as it has its own
where it is a host: that wants root. With --one-machine they contend for all of them, and the least that
the processors allow stands beside.

  --runs N          of each, in turns (5)
  --size MB         of the store that is made for it (400)
  --snapshot FILE   instead of making one
  --one-machine     no shares of the processors
`;
const USAGE_ERROR = 2;
const LIMITS = { wire: 0.35, three: 1.3 };
const MB = 1_000_000;
const READ_TIMEOUT_MS = 300_000;
const COPIES = 3;
const PULLER = join(import.meta.dirname, 'snapshots/puller.ts');
const run = promisify(execFile);

interface Pulled {
  readonly ms: number;
  /** Of the slowest puller. */
  readonly cpuMs: number;
  /** Of the source, which runs in this process. */
  readonly sourceCpuMs: number;
  readonly wireBytes: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      size: { type: 'string', default: '400' },
      snapshot: { type: 'string' },
      'one-machine': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [runs, size] = [Number(values.runs), Number(values.size)];
  if (values.help || ![runs, size].every((count) => Number.isInteger(count) && count >= 1)) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : USAGE_ERROR;
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const scratch = await mkdtemp(join(tmpdir(), 'bench-pull-'));
  try {
    const snapshot = values.snapshot ?? (await makeSnapshot(scratch, size, say));
    const shared = values['one-machine'];
    await using processors = shared ? undefined : await OwnProcessors.of(1 + COPIES);
    say(
      `load ${loadavg()
        .map((load) => load.toFixed(1))
        .join(
          ' ',
        )}; ${processors === undefined ? `${availableParallelism()} processors for all` : `${processors.sharePerHost.toFixed(2)} of a processor for each node`}`,
    );
    return await measure(scratch, snapshot, runs, processors, say);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeSnapshot(scratch: string, size: number, say: (line: string) => void): Promise<string> {
  await using grown = await GrownLab.up({ nodes: 1, etcdVersion: '3.5', say });
  await grown.growTo(size * MB);
  const path = join(scratch, 'made.db');
  const { exitCode, stderr } = await grown.lab.etcdctl('cp1', ['snapshot', 'save', path]);
  if (exitCode !== 0) throw new Error(stderr);
  return path;
}

async function measure(
  scratch: string,
  snapshot: string,
  runs: number,
  processors: OwnProcessors | undefined,
  say: (line: string) => void,
): Promise<number> {
  const source = new SnapshotStore({ directory: join(scratch, 'source'), hostDirectory: '/s', node: 'cp1' });
  await source.prepare();
  await copyFile(snapshot, source.partOf('s-1'));
  const facts = await readSnapshotFacts(
    source.partOf('s-1'),
    { trailer: 'required' },
    AbortSignal.timeout(READ_TIMEOUT_MS),
  );
  const card = SnapshotCard.fromPartial({
    id: 's-1',
    cluster: 'lab',
    node: 'cp1',
    takenAt: new Date().toISOString(),
    facts,
  });
  await source.keep({ card, sealed: undefined });
  const cardFile = join(scratch, 'card.json');
  await writeFile(cardFile, JSON.stringify(SnapshotCard.toJSON(card)));

  const authority = await TestAuthority.create(join(scratch, 'tls'));
  const { readSnapshot } = AgentServiceService;
  const packed = new PackedChunks();
  const server = await startServer({
    listen: '127.0.0.1:0',
    tls: await authority.issue('cp1', { cluster: 'lab', role: 'agent', name: 'cp1' }),
    cluster: 'lab',
    policy: { [readSnapshot.path]: ['agent'] },
    services: [
      {
        definition: { readSnapshot },
        implementation: {
          readSnapshot: streamHandler((request: ReadSnapshotRequest, { signal }: CallContext) =>
            serveSnapshot({ store: source, packed }, request, signal),
          ),
        },
      },
    ],
    logger: createLogger('bench', 'silent'),
  });
  const { caFile, certFile, keyFile } = await authority.issue('cp2', {
    cluster: 'lab',
    role: 'agent',
    name: 'cp2',
  });
  const pulled = async (copies: number): Promise<Pulled> => {
    const directories = Array.from({ length: copies }, (_, copy) => join(scratch, `copy-${copy}`));
    const sourceStart = process.cpuUsage();
    const all = await Promise.all(
      directories.map(async (directory, copy): Promise<Omit<Pulled, 'sourceCpuMs'>> => {
        const pulling = run(process.execPath, [
          PULLER,
          server.address,
          caFile,
          certFile,
          keyFile,
          cardFile,
          directory,
        ]);
        await processors?.place(1 + copy, pulling.child.pid ?? 0);
        const { stdout } = await pulling;
        return JSON.parse(stdout) as Omit<Pulled, 'sourceCpuMs'>;
      }),
    );
    const { user, system } = process.cpuUsage(sourceStart);
    await Promise.all(directories.map((directory) => rm(directory, { recursive: true })));
    return {
      ms: Math.max(...all.map(({ ms }) => ms)),
      cpuMs: Math.max(...all.map(({ cpuMs }) => cpuMs)),
      sourceCpuMs: (user + system) / 1000,
      wireBytes: Math.max(...all.map(({ wireBytes }) => wireBytes)),
    };
  };
  try {
    const ones: Pulled[] = [];
    const threes: Pulled[] = [];
    for (let turn = 1; turn <= runs; turn += 1) {
      ones.push(await pulled(1));
      threes.push(await pulled(COPIES));
      say(`run ${turn} of ${runs}: one ${said(ones.at(-1))}; three ${said(threes.at(-1))}`);
    }
    const wire = (ones[0]?.wireBytes ?? 0) / Number(facts.fileSizeBytes);
    const of = (runs: readonly Pulled[], figure: (pulled: Pulled) => number): number =>
      median(runs.map(figure));
    const one = of(ones, ({ ms }) => ms);
    const three = of(threes, ({ ms }) => ms) / one;
    const processorMs =
      COPIES * of(threes, ({ cpuMs }) => cpuMs) + of(threes, ({ sourceCpuMs }) => sourceCpuMs);
    say(
      `the source's processor, three over one: ${(of(threes, ({ sourceCpuMs }) => sourceCpuMs) / of(ones, ({ sourceCpuMs }) => sourceCpuMs)).toFixed(2)}`,
    );
    if (processors === undefined) {
      say(
        `the least that this machine allows, over the time of one: ${(processorMs / availableParallelism() / one).toFixed(2)}`,
      );
    }
    const lines: [string, number, number][] = [
      ['bytes on the wire, over raw bytes', wire, LIMITS.wire],
      ['three copies, over the time of one', three, LIMITS.three],
    ];
    for (const [what, found, limit] of lines) {
      process.stdout.write(
        `  ${found <= limit ? '✓' : '✗'} ${what}: ${found.toFixed(3)} (at most ${limit})\n`,
      );
    }
    return lines.every(([, found, limit]) => found <= limit) ? 0 : 1;
  } finally {
    await server.close();
  }
}

function said(pulled: Pulled | undefined): string {
  if (pulled === undefined) return '';
  const { ms, cpuMs, sourceCpuMs } = pulled;
  return `${ms.toFixed(0)} ms (processor: puller ${cpuMs.toFixed(0)} ms, source ${sourceCpuMs.toFixed(0)} ms)`;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
});
