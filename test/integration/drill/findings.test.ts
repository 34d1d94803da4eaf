import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listeningPorts } from '@lockstep/agent/adapters/drill-servers.ts';
import { ProcessTable } from '@lockstep/agent/adapters/process-table.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { ProofLevel, type SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { DrillBench, soon } from './drill-bench.ts';

const TRAILER_BYTES = 32;
/** Each look goes through all processes of the machine. */
const WATCH_INTERVAL_MS = 150;
const LOAD_MS = 3_000;
const DRILL_LOAD_MS = 60_000;
const CALLER = 'lockstep://lab/coordinator/c1';

let bench: DrillBench;

beforeAll(async () => {
  bench = await DrillBench.up((await locateTools()).etcd);
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

function leftovers(): string[] {
  const directory = join(bench.stateDir, 'drills');
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Changes a byte of a value, where nothing but a digest notices, and makes etcd's own trailer fit again. */
async function flipAndFitTrailer(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.indexOf('"ConfigMap"') + 3;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const end = bytes.length - TRAILER_BYTES;
  createHash('sha256').update(bytes.subarray(0, end)).digest().copy(bytes, end);
  await writeFile(path, bytes);
}

async function rewriteCard(id: string, alter: (card: SnapshotCard) => SnapshotCard): Promise<void> {
  const { card } = await bench.store.get(id);
  await bench.store.rewriteCard({ card: alter(card), sealed: undefined });
}

describe('a drill of a bad snapshot', () => {
  it('finds a byte that was flipped, its trailer made to fit', async () => {
    const { id } = await bench.save();
    await flipAndFitTrailer(bench.store.pathOf(id));
    const proof = await bench.drill(id);
    expect(proof).toMatchObject({ failure: { code: 'SNAPSHOT_CARD_MISMATCH' }, level: 0, restoreMs: 0n });
    expect(bench.marks.at(-1)).toMatchObject({
      snapshotId: id,
      proofs: [{ failure: { code: 'SNAPSHOT_CARD_MISMATCH' } }],
    });
    expect(bench.audits.at(-1)).toMatchObject({ outcome: 'SNAPSHOT_CARD_MISMATCH' });
    expect(leftovers()).toStrictEqual([]);
  });

  it('finds one that was cut off', async () => {
    const { id } = await bench.save();
    await truncate(bench.store.pathOf(id), lstatSync(bench.store.pathOf(id)).size / 2);
    expect(await bench.drill(id)).toMatchObject({ failure: { code: 'SNAPSHOT_TRUNCATED' } });
  });

  it('finds, by the etcd that serves it, that the card counts more than there is', async () => {
    const { id } = await bench.save();
    await rewriteCard(id, (card) => ({
      ...card,
      facts: {
        ...(card.facts as NonNullable<typeof card.facts>),
        objects: (card.facts?.objects ?? []).map((each) => ({ ...each, count: each.count + 1n })),
      },
    }));
    const proof = await bench.drill(id);
    expect(proof).toMatchObject({
      failure: { code: 'SNAPSHOT_CONTENT_DIFFERS' },
      level: ProofLevel.PROOF_LEVEL_RESTORED,
    });
    expect(proof.failure?.message).toContain('number of configmaps is 40, not 41');
    expect(leftovers()).toStrictEqual([]);
  });

  it('finds one that etcd’s own tool does not take, though card and bytes agree', async () => {
    const { id } = await bench.save();
    const path = bench.store.pathOf(id);
    // Our own reader is made to agree; the tool holds the trailer against the bytes itself.
    const lenient = { verify: async () => ({ facts: undefined, refusals: [] }) };
    const file = await open(path, 'r+');
    await file.write(Buffer.from('damage'), 0, 6, 20_000);
    await file.close();
    const drills = bench.drillsWith({
      snapshots: {
        ...lenient,
        get: (each) => bench.store.get(each),
        hostPathOf: (each) => bench.store.hostPathOf(each),
      },
    });
    const proof = await drills.run(id, CALLER, () => undefined, soon());
    expect(proof).toMatchObject({ failure: { code: 'SNAPSHOT_UNRESTORABLE' } });
    expect(proof.failure?.causes.join(' ')).toMatch(/sha256|hash|trailer/i);
    expect(leftovers()).toStrictEqual([]);
  });
});

describe('a drill that says nothing of the snapshot', () => {
  it.each([
    ['SPACE_TOO_LITTLE', { freeBytes: 10_000_000_000n }],
    ['SPACE_TOO_LITTLE', { purpose: 'data' }],
  ])('is refused with %s where the disk is %o', async (code, disk) => {
    const { id } = await bench.save();
    bench.alter = (report) => ({ ...report, disks: report.disks.map((each) => ({ ...each, ...disk })) });
    try {
      await expect(bench.drill(id)).rejects.toMatchObject({ code });
    } finally {
      bench.alter = (report) => report;
    }
    expect(bench.marks.some(({ snapshotId }) => snapshotId === id)).toBe(false);
    expect(bench.audits.at(-1)).toMatchObject({ outcome: code });
  });

  it('is refused with too little memory, beside an operation, and beside another drill', async () => {
    const { id } = await bench.save();
    const poor = bench.drillsWith({ memoryAvailableBytes: () => 100_000_000n });
    await expect(poor.run(id, CALLER, () => undefined, soon())).rejects.toMatchObject({
      code: 'MEMORY_TOO_LITTLE',
    });
    bench.openOperationId = 'r-1';
    await expect(bench.drill(id)).rejects.toMatchObject({ code: 'OPERATION_IN_PROGRESS' });
    bench.openOperationId = undefined;
    const first = bench.drill(id);
    await expect(bench.drill(id)).rejects.toMatchObject({ code: 'DRILL_IN_PROGRESS' });
    expect(await first).toMatchObject({ failure: undefined });
  });

  it('is refused without a tool of the member’s minor version', async () => {
    const { id } = await bench.save();
    bench.alter = (report) => ({
      ...report,
      tools: report.tools.map((tool) => ({ ...tool, version: '3.1.0' })),
    });
    try {
      await expect(bench.drill(id)).rejects.toMatchObject({ code: 'TOOL_MISMATCH' });
      bench.alter = (report) => ({ ...report, tools: [] });
      await expect(bench.drill(id)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    } finally {
      bench.alter = (report) => report;
    }
  });

  it('says that it served nothing where no etcd lies beside the tools', async () => {
    const { id } = await bench.save();
    const bare = bench.drillsWith({
      servers: {
        ...bench.ports.servers,
        find: async () => undefined,
        start: () => Promise.reject(new Error('not asked')),
      },
    });
    expect(await bare.run(id, CALLER, () => undefined, soon())).toMatchObject({
      failure: undefined,
      level: ProofLevel.PROOF_LEVEL_RESTORED,
      hashKv: 0,
      note: expect.stringContaining('none was started'),
    });
  });
});

describe('a drill and the live member', () => {
  it('is refused where its scratch would lie in the data directory, or be it', async () => {
    const { id } = await bench.save();
    const inside = join(bench.etcd.dataDir, 'drill');
    const cleared: string[] = [];
    const drills = bench.drillsWith({
      places: {
        list: async () => [],
        make: async () => {
          await mkdir(inside, { recursive: true });
          return inside;
        },
        clear: async (drillId) => {
          cleared.push(drillId);
          await rm(inside, { recursive: true });
        },
      },
    });
    await expect(drills.run(id, CALLER, () => undefined, soon())).rejects.toMatchObject({
      code: 'DRILL_NEAR_LIVE',
    });
    expect(cleared).toHaveLength(1);
  });

  it('is ended where its etcd says that it is of the live cluster', async () => {
    const { id } = await bench.save();
    const started: number[] = [];
    const live = await bench.member.observe(soon());
    const drills = bench.drillsWith({
      servers: {
        ...bench.ports.servers,
        find: (tools, minor, signal) => bench.ports.servers.find(tools, minor, signal),
        start: async (request, signal) => {
          const server = await bench.ports.servers.start(request, signal);
          started.push(1);
          return Object.assign(Object.create(server), {
            clusterId: live.clusterId,
            [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
          });
        },
      },
    });
    await expect(drills.run(id, CALLER, () => undefined, soon())).rejects.toMatchObject({
      code: 'DRILL_NEAR_LIVE',
    });
    expect(started).toHaveLength(1);
    expect(leftovers()).toStrictEqual([]);
  });

  it('touches none of its files, has no port of its own, and none of its connections', async () => {
    const { id } = await bench.save();
    const before = fingerprint(bench.etcd.dataDir);
    const connections = (): string[] =>
      new ProcessTable()
        .sockets()
        .filter(({ local, remote }) => [local.port, remote.port].includes(clientPort()))
        .map(({ state }) => state);
    // Its own client, kept open, is the only one throughout.
    using client = new EtcdClient(bench.etcd.endpoint);
    await client.status(soon());
    const open = connections().length;
    const seen = new Set<number>();
    const ports = new Set<number>();
    const most = { connections: 0 };
    const watch = setInterval(() => {
      most.connections = Math.max(most.connections, connections().length);
      for (const pid of drillProcesses()) {
        seen.add(pid);
        for (const port of portsOf(pid)) ports.add(port);
      }
    }, WATCH_INTERVAL_MS);
    try {
      expect(await bench.drill(id)).toMatchObject({
        failure: undefined,
        level: ProofLevel.PROOF_LEVEL_SERVED,
      });
    } finally {
      clearInterval(watch);
    }
    expect(seen.size).toBeGreaterThan(0);
    expect([...ports]).toStrictEqual([]);
    // The describer's own connection may come on top; the drill's etcd brings none.
    expect(most.connections).toBeLessThanOrEqual(open + 2);
    expect(fingerprint(bench.etcd.dataDir)).toStrictEqual(before);
    expect(drillProcesses()).toStrictEqual([]);
  });
});

describe('a drill under load', () => {
  it('runs at idle priority, and what the live member takes for a write beside it is printed', async () => {
    const { id } = await bench.save();
    const before = await putLatencies(() => false, LOAD_MS);
    let ended = false;
    const policies = new Set<string>();
    const drilled = bench.drill(id, (step) => {
      if (step === 'comparing') for (const pid of drillProcesses()) policies.add(priorityOf(pid));
    });
    void drilled.finally(() => {
      ended = true;
    });
    const during = await putLatencies(() => ended, DRILL_LOAD_MS);
    expect(await drilled).toMatchObject({ failure: undefined });
    expect([...policies]).toStrictEqual(['policy 5 (idle), nice 19']);
    console.log(`put beside no drill: ${quantiles(before)}; beside a drill: ${quantiles(during)}`);
  });

  it('is swept away with whatever still has its scratch open', async () => {
    const place = await bench.ports.places.make('d-orphan');
    const log = await open(join(place, 'etcd.log'), 'a');
    const orphan = spawn('/bin/sleep', ['600'], { stdio: ['ignore', log.fd, log.fd] });
    const gone = once(orphan, 'exit');
    await log.close();
    expect(leftovers()).toStrictEqual(['d-orphan']);
    await bench.drills.sweep();
    expect(await gone).toStrictEqual([null, 'SIGKILL']);
    expect(leftovers()).toStrictEqual([]);
  });
});

/** Milliseconds of each write, one after another, until `isOver` or for so long. */
async function putLatencies(isOver: () => boolean, forMs: number): Promise<number[]> {
  using client = new EtcdClient(bench.etcd.endpoint);
  const latencies: number[] = [];
  const endMs = performance.now() + forMs;
  while (!isOver() && performance.now() < endMs) {
    const beganMs = performance.now();
    await client.put(Buffer.from('/load'), Buffer.alloc(1_000), soon());
    latencies.push(performance.now() - beganMs);
  }
  return latencies.sort((a, b) => a - b);
}

function quantiles(latencies: readonly number[]): string {
  const at = (part: number): string =>
    (latencies[Math.floor(latencies.length * part)] ?? Number.NaN).toFixed(1);
  return `${latencies.length} writes, median ${at(0.5)} ms, 99% within ${at(0.99)} ms`;
}

/** As the kernel has it: proc(5), the fields after the command's name. */
function priorityOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `policy ${fields[38]}${fields[38] === '5' ? ' (idle)' : ''}, nice ${fields[16]}`;
}

function clientPort(): number {
  return Number(new URL(bench.etcd.endpoint.url).port);
}

/** Processes whose working directory lies below the drills' directory. */
function drillProcesses(): number[] {
  const table = new ProcessTable();
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0 && table.command(pid) === 'etcd')
    .filter((pid) =>
      table.commandLine(pid).some((word) => word.startsWith(`--data-dir=${bench.stateDir}/drills/`)),
    );
}

function portsOf(pid: number): number[] {
  try {
    return listeningPorts(pid);
  } catch {
    return [];
  }
}

/** Names, inodes, sizes and times of everything in a store; a member writes its log when it is asked for alarms. */
function fingerprint(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stats = lstatSync(join(directory, name));
      const changedMs = name.endsWith('.wal') ? 0 : stats.mtimeMs;
      return `${name} ${stats.dev}:${stats.ino} ${stats.mode} ${stats.size} ${changedMs}`;
    });
}
