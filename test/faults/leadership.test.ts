import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { LEAD_MS, LEASE_MS } from '@lockstep/coordinator/core/leadership.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { bucketSubject, LEADER_KEY, leaderBucket } from '@lockstep/shared/nats/subjects.ts';
import { natsTlsOptions } from '@lockstep/shared/tls/nats-server.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { connect, Events } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Standing } from './leadership/contender.ts';
import { CLUSTER, NatsCluster } from './leadership/nats-cluster.ts';

/** From the death of a leader to the next one: what the whole take-over may take, less the coordinator's own part. */
const TAKEOVER_WITHIN_MS = 8_000;

const child = new URL('./leadership/contender.ts', import.meta.url).pathname;

/** A contender in a process of its own. */
class Contender {
  readonly name: string;
  readonly heard: Standing[] = [];
  readonly #process: ChildProcess;

  constructor(name: string) {
    this.name = name;
    const settings = { cluster: CLUSTER, name, servers: nats.urls, tls: nats.identity('coordinators', name) };
    this.#process = spawn(process.execPath, [child, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#process.stdout === null) throw new Error('no output');
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.heard.push(JSON.parse(line) as Standing);
    });
  }

  get last(): Standing {
    return this.heard.at(-1) ?? { atMs: 0, leads: false, other: '' };
  }

  /** When it last began to lead. */
  get beganMs(): number {
    const before = this.heard.findLastIndex((each) => !each.leads);
    return this.heard[before + 1]?.atMs ?? Number.NaN;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill(signal);
    this.#process.kill('SIGCONT');
    await once(this.#process, 'exit');
  }
}

let nats: NatsCluster;
let contenders: Contender[] = [];

beforeAll(async () => {
  nats = await NatsCluster.up();
});
afterAll(async () => nats?.[Symbol.asyncDispose]());
beforeEach(async () => {
  contenders = ['c1', 'c2', 'c3'].map((name) => new Contender(name));
  await until('one leads and the others know', () => agreed(contenders) !== undefined, 60_000);
});
afterEach(async () => {
  await Promise.all(contenders.map((each) => each.end()));
  for (const index of [0, 1, 2]) nats.start(index);
});

async function until(what: string, holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  await waitFor({ describe: () => what, check: async () => holds() }, 20, deadline(timeoutMs));
}

/** The one that leads, where the others know it. */
function agreed(among: readonly Contender[]): Contender | undefined {
  const [leader, second] = among.filter((each) => each.last.leads);
  if (leader === undefined || second !== undefined) return undefined;
  const known = among.every((each) => each === leader || each.last.other === leader.name);
  return known ? leader : undefined;
}

function leader(): Contender {
  const found = agreed(contenders);
  if (found === undefined) throw new Error('nobody leads');
  return found;
}

function others(than: Contender): Contender[] {
  return contenders.filter((each) => each !== than);
}

/** Two processes that said at one time that they lead; what they said within a tick of each other. */
function ledTogether(): string[] {
  const said = contenders.flatMap((each) => each.heard.map((standing) => ({ ...standing, who: each.name })));
  said.sort((a, b) => a.atMs - b.atMs);
  return said.flatMap((each, index) => {
    const next = said[index + 1];
    const both = next !== undefined && each.leads && next.leads && each.who !== next.who;
    return both ? [`${each.who} and ${next.who} at ${each.atMs}`] : [];
  });
}

describe('of three coordinators on three NATS servers', () => {
  it('one leads, and goes on leading', async () => {
    const first = leader();
    await delay(2 * LEASE_MS);
    expect(leader()).toBe(first);
    expect(first.heard.slice(first.heard.findIndex((each) => each.leads)).every((each) => each.leads)).toBe(
      true,
    );
    expect(ledTogether()).toStrictEqual([]);
  });

  it('another leads when the leader is killed', async () => {
    const killed = leader();
    const rest = others(killed);
    await killed.end();
    const killedMs = Date.now();
    await until('another leads', () => agreed(rest) !== undefined);
    const tookMs = (agreed(rest)?.beganMs ?? 0) - killedMs;
    console.log(`leader killed: another leads after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(TAKEOVER_WITHIN_MS);
    expect(ledTogether()).toStrictEqual([]);
  });

  it('another leads at once when the leader is told to stop', async () => {
    const stopped = leader();
    const rest = others(stopped);
    await stopped.end('SIGTERM');
    const endedMs = Date.now();
    await until('another leads', () => agreed(rest) !== undefined);
    const tookMs = (agreed(rest)?.beganMs ?? 0) - endedMs;
    console.log(`leader stopped: another leads after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(LEASE_MS / 2);
  });

  it('a leader that was paused for longer than the lease wakes up without believing that it leads', async () => {
    const paused = leader();
    const rest = others(paused);
    paused.signal('SIGSTOP');
    await until('another leads', () => agreed(rest) !== undefined);
    const next = agreed(rest);
    await delay(500);
    const wokenMs = Date.now();
    paused.signal('SIGCONT');
    await until('it knows who leads', () => paused.last.other === next?.name);
    expect(paused.heard.filter((each) => each.atMs >= wokenMs && each.leads)).toStrictEqual([]);
    await delay(LEASE_MS);
    expect(leader()).toBe(next);
    expect(ledTogether()).toStrictEqual([]);
  });

  it('nobody leads while NATS has no quorum, and the one that led before leads when it is back', async () => {
    const before = leader();
    await nats.kill(1);
    await nats.kill(2);
    const lostMs = Date.now();
    await until('nobody leads', () => contenders.every((each) => !each.last.leads));
    console.log(`quorum lost: the leader noticed after ${Date.now() - lostMs} ms`);
    expect(Date.now() - lostMs).toBeLessThan(LEAD_MS + 2_000);
    await until('nobody is known to lead', () => contenders.every((each) => each.last.other === ''));
    await delay(LEASE_MS);
    expect(contenders.some((each) => each.last.leads)).toBe(false);
    nats.start(1);
    nats.start(2);
    const backMs = Date.now();
    await until('one leads again', () => agreed(contenders) !== undefined, 60_000);
    console.log(
      `quorum back: ${leader().name} (before: ${before.name}) leads after ${Date.now() - backMs} ms`,
    );
    expect(ledTogether()).toStrictEqual([]);
  });

  it('another leads when the leader is killed together with a NATS server', async () => {
    const killed = leader();
    const rest = others(killed);
    await Promise.all([killed.end(), nats.kill(0)]);
    const killedMs = Date.now();
    await until('another leads', () => agreed(rest) !== undefined, 60_000);
    const tookMs = (agreed(rest)?.beganMs ?? 0) - killedMs;
    console.log(`leader and a NATS server killed: another leads after ${tookMs} ms`);
    expect(ledTogether()).toStrictEqual([]);
  });
});

it('an agent can neither say who leads nor read it', async () => {
  const agent = await connect({
    servers: nats.urls[0] as string,
    tls: natsTlsOptions(nats.identity('agents', 'cp1')),
    inboxPrefix: `lockstep.${CLUSTER}.inbox.cp1`,
  });
  const complaints: string[] = [];
  void (async () => {
    for await (const status of agent.status()) {
      if (status.type === Events.Error) complaints.push(JSON.stringify(status.data));
    }
  })();
  const subject = bucketSubject(leaderBucket(CLUSTER), LEADER_KEY);
  agent.publish(subject, Buffer.from('{}'));
  agent.publish(`$JS.API.STREAM.MSG.GET.KV_${leaderBucket(CLUSTER)}`);
  agent.subscribe(subject, { callback: () => {} });
  await agent.flush();
  await until('each is refused', () => complaints.length === 3);
  expect(complaints.every((each) => each.includes('PERMISSIONS_VIOLATION'))).toBe(true);
  await agent.close();
});
