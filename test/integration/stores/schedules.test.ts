import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listeningPorts } from '@lockstep/agent/adapters/drill-servers.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Alerts } from '../../e2e/support/alerts.ts';
import { type Said, saidBy, saveSnapshot, waitAgents } from '../../e2e/support/cluster.ts';
import { loadObjects } from '../../e2e/support/objects.ts';
import { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';

const COMMAND_TIMEOUT_MS = 60_000;
const WAIT_MS = 120_000;
const LOOK_INTERVAL_MS = 20;
const YEAR_MS = 365 * 24 * 3_600_000;
const RARELY = '0 0 1 1 *';

interface SaidProof {
  readonly kind: string;
  readonly level: string;
  readonly at: string;
  readonly restoreMs: number;
}

interface SaidSchedule {
  readonly name: string;
  readonly lastOutcome: string;
  readonly lastMessage: string;
  readonly lastAt: string;
  readonly lastSnapshotId: string;
}

/** What was seen of the etcd of a drill while it ran. */
interface SeenServer {
  readonly pid: number;
  readonly priority: string;
  readonly ports: readonly number[];
  readonly dataDir: string;
  readonly clusterId: bigint;
}

let lab: Lab;
let node: LabNode;
let alerts: Alerts;

beforeAll(async () => {
  lab = await Lab.up({ nodes: 1, nats: 1 });
  node = lab.nodes[0] as LabNode;
  await loadObjects(lab);
  alerts = await Alerts.listen(lab, '>');
}, 240_000);

afterAll(async () => {
  await alerts?.[Symbol.asyncDispose]();
  await lab?.down();
}, 60_000);

const remembered = (): string => join(lab.directory, 'coordinator/state/schedules.json');

async function configure(fields: Record<string, unknown>): Promise<void> {
  await lab.coordinator.stop();
  const path = join(lab.directory, 'coordinator/config.yaml');
  const { schedules: _s, ...config } = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, stringify({ ...config, ...fields }));
  await lab.coordinator.start();
  await waitAgents(lab);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await waitFor({ describe: () => what, check: holds }, 300, deadline(WAIT_MS));
}

async function said(...args: string[]): Promise<Said> {
  return saidBy(await lab.lockstep([...args, '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS }));
}

async function page(...args: string[]): Promise<string> {
  return (await lab.lockstep(args, { timeoutMs: COMMAND_TIMEOUT_MS })).stdout;
}

async function schedules(): Promise<SaidSchedule[]> {
  return (await said('snapshot', 'schedule'))['schedules'] as SaidSchedule[];
}

async function outcomeOf(name: string): Promise<SaidSchedule | undefined> {
  return (await schedules()).find((each) => each.name === name);
}

async function drillsOf(id: string): Promise<SaidProof[]> {
  const { snapshots } = (await said('drill', 'list')) as unknown as {
    snapshots: { id: string; proofs: SaidProof[] }[];
  };
  return (snapshots.find((each) => each.id === id)?.proofs ?? []).filter(({ kind }) => kind === 'drill');
}

/** Runs as the coordinator's log has them, in order: "+ name" where one begins, "- name" where it ends. */
function runs(): string[] {
  return readFileSync(lab.coordinator.logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"schedule":'))
    .map((line) => JSON.parse(line) as { schedule: string; msg: string })
    .flatMap(({ schedule, msg }) => {
      if (msg === 'a scheduled run begins') return [`+ ${schedule}`];
      return msg.startsWith('a scheduled run ') ? [`- ${schedule}`] : [];
    });
}

const drillsDirectory = (): string => node.path('/var/lib/lockstep/drills');

/** The etcd of a drill of this node, once it answers on its socket; undefined where none does. */
async function drillServer(): Promise<SeenServer | undefined> {
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const dataDir = words.find((word) => word.startsWith(`--data-dir=${drillsDirectory()}/`));
      if (dataDir === undefined || !(words[0] ?? '').endsWith('/etcd')) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      using client = new EtcdClient({ url: `unix:/proc/${pid}/cwd/client:1` });
      const { header } = await client.status(deadline(1_000));
      return {
        pid,
        priority: `policy ${fields[38]}, nice ${fields[16]}`,
        ports: listeningPorts(pid),
        dataDir: dataDir.slice('--data-dir='.length),
        clusterId: header?.clusterId ?? 0n,
      };
    } catch {
      // It has ended, or does not answer yet.
    }
  }
  return undefined;
}

interface LiveMember {
  readonly pid: number;
  readonly started: string;
  readonly dataDir: string;
  readonly inodes: string;
  readonly ports: readonly number[];
  readonly clusterId: string;
}

/** The live member as the kernel and it itself have it. */
async function liveMember(): Promise<LiveMember> {
  const pid = node.containers('etcd')[0]?.process.pid ?? 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const dataDir = node.path('/var/lib/etcd');
  const { stdout } = await lab.etcdctl(node, ['endpoint', 'status', '-w', 'json']);
  return {
    pid,
    started: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '',
    dataDir,
    inodes: [dataDir, join(dataDir, 'member/snap/db')].map((path) => lstatSync(path).ino).join(),
    ports: listeningPorts(pid),
    clusterId: /"cluster_id":(\d+)/u.exec(stdout)?.[1] ?? '',
  };
}

describe('schedules in a whole cluster', () => {
  // The first: any drill in the catalogue would count as the one that was missed.
  it('catch up one missed drill once, and a coordinator with nothing of its own repeats none', async () => {
    const id = await saveSnapshot(lab);
    await lab.coordinator.stop();
    const last = Date.now() - 3 * YEAR_MS;
    const run = { occurrenceMs: last, startedMs: last, endedMs: last, outcome: 'done', message: '' };
    await writeFile(
      remembered(),
      JSON.stringify([{ schedule: 'proof', ...run, snapshotId: '', attempt: 1 }]),
    );
    await configure({ schedules: [{ name: 'proof', cron: RARELY, action: 'drill' }] });
    await until('it is caught up', async () => (await drillsOf(id)).length === 1);
    await until('and has ended', async () => (await outcomeOf('proof'))?.lastSnapshotId === id);
    const [proof] = await drillsOf(id);
    expect(proof).toMatchObject({ level: 'served' });
    expect(proof?.restoreMs).toBeGreaterThan(0);
    expect(Date.now() - Date.parse(proof?.at ?? '')).toBeLessThan(WAIT_MS);
    expect(await page('drill', 'list')).toMatch(
      new RegExp(`${id} .*ago +restored and served +cp1 +[\\d.]+ m?s`),
    );

    await lab.coordinator.stop();
    rmSync(remembered());
    await configure({ schedules: [{ name: 'proof', cron: RARELY, action: 'drill' }] });
    await until('it is known', async () => (await outcomeOf('proof'))?.lastAt !== '');
    expect(await outcomeOf('proof')).toMatchObject({ lastOutcome: 'done', lastSnapshotId: id });
    expect(await drillsOf(id)).toHaveLength(1);
  }, 240_000);

  it('fire, save and drill, one run at a time, idle, and apart from the live member', async () => {
    const before = await liveMember();
    const earlier = runs().length;
    alerts.clear();
    await configure({
      schedules: [
        { name: 'often', cron: '*/3 * * * * *', action: 'save' },
        { name: 'proof', cron: '*/2 * * * * *', action: 'drill' },
      ],
    });
    const seen: SeenServer[] = [];
    const over = new AbortController();
    const watched = (async () => {
      while (!over.signal.aborted) {
        const server = await drillServer();
        if (server !== undefined) seen.push(server);
        await delay(LOOK_INTERVAL_MS);
      }
    })();
    try {
      await until('three of each have run', async () => {
        const ended = runs()
          .slice(earlier)
          .filter((each) => each.startsWith('-'));
        return ['often', 'proof'].every((name) => ended.filter((each) => each === `- ${name}`).length >= 3);
      });
    } finally {
      over.abort();
      await watched;
    }
    const pairs = runs().slice(earlier);
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      expect(pairs[at + 1], pairs.join(' ')).toBe(pairs[at]?.replace('+', '-'));
    }

    expect(seen.length).toBeGreaterThan(0);
    for (const server of seen) {
      expect(server.priority).toBe('policy 5, nice 19');
      expect(server.ports).toStrictEqual([]);
      expect(server.pid).not.toBe(before.pid);
      expect(String(server.clusterId)).not.toBe(before.clusterId);
      expect(server.dataDir.startsWith(`${drillsDirectory()}/`)).toBe(true);
    }
    expect(new Set(seen.map(({ clusterId }) => clusterId)).size).toBe(
      new Set(seen.map(({ pid }) => pid)).size,
    );
    expect(before.ports.length).toBeGreaterThan(0);
    expect(await liveMember()).toStrictEqual(before);

    await configure({ schedules: [{ name: 'proof', cron: RARELY, action: 'drill' }] });
    expect(existsSync(drillsDirectory()) ? readdirSync(drillsDirectory()) : []).toStrictEqual([]);
    // A coordinator that stops in a run wakes nobody.
    expect(alerts.notices.filter(({ code }) => code !== 'SCHEDULE_DONE')).toStrictEqual([]);
    expect(alerts.notices.some(({ subject }) => subject.endsWith('.events.schedule-proof'))).toBe(true);
    expect(await page('snapshot', 'list')).toMatch(/drill \d+s good +[\d.]+ m?s +schedule often/u);
  }, 240_000);

  it('tell of a drill that finds the newest bad, also after the coordinator lost what it knew', async () => {
    const id = await saveSnapshot(lab);
    const path = node.path(`/var/lib/lockstep/snapshots/${id}.db`);
    const bytes = await readFile(path);
    const at = bytes.indexOf('/registry/configmaps/') + 30;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    alerts.clear();
    await configure({ schedules: [{ name: 'proof', cron: '*/1 * * * * *', action: 'drill' }] });
    await until('it is told', async () =>
      alerts.notices.some(({ subject }) => subject.endsWith('.events.drill')),
    );
    const [alert] = alerts.notices.filter(({ subject }) => subject.endsWith('.events.drill'));
    expect(alert?.message).toContain(`Snapshot ${id} is BAD on cp1`);
    await until('it is told as the schedule’s end', async () =>
      alerts.notices.some(
        ({ subject, code }) => subject.endsWith('.events.schedule-proof') && code === alert?.code,
      ),
    );
    // The next run drills one that is not known to be bad.
    await until('an older one is drilled', async () => {
      const run = await outcomeOf('proof');
      return run?.lastOutcome === 'done' && run.lastSnapshotId !== id;
    });
    await configure({ schedules: [{ name: 'proof', cron: RARELY, action: 'drill' }] });
    expect(JSON.stringify(await said('doctor'))).toContain(`"${alert?.code}"`);
  }, 240_000);
});
