import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { lstat, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { prefixEnd } from '@lockstep/shared/etcd/keys.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { parseStorageKey } from '@lockstep/shared/kubernetes/storage-key.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

import { CLIENT_SOCKET, DRILL_MEMBER, isAboutStore, minorOf, type Served } from '../core/drill.ts';
import type { DrillServer, DrillServers } from '../drill/ports.ts';
import { absentAsUndefined } from './host-files.ts';
import { whenIdle } from './idle-priority.ts';
import { alarmName, hex } from './local-member.ts';
import { runProgram } from './run-program.ts';

/** A process that is killed and has not ended by then waits for a disk that does not answer. */
const KILL_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
const PAGE_KEYS = 2_000n;
const LAST_WORDS_BYTES = 2_000;
/** All that etcd sees of the agent's environment; one processor at a time is enough for one reader. */
const ENVIRONMENT = { LC_ALL: 'C', GOMAXPROCS: '1' };

export interface DrillServersSettings {
  readonly clock: Clock;
  /** Host path to real path. */
  readonly realPath: (path: string) => string;
}

/** etcd as a child process at idle priority, which dies with the agent, answering on a socket file in the drill's place. */
export class ChildDrillServers implements DrillServers {
  readonly #settings: DrillServersSettings;

  constructor(settings: DrillServersSettings) {
    this.#settings = settings;
  }

  async find(
    tools: NodeReport['tools'],
    minor: string,
    signal: AbortSignal,
  ): Promise<{ path: string; version: string } | undefined> {
    const paths = new Set(tools.map((tool) => join(dirname(tool.path), 'etcd')));
    for (const path of paths) {
      // A link in a container's root would lead to a place in ours.
      const found = await absentAsUndefined(path.startsWith('/proc/') ? lstat(path) : stat(path));
      if (found?.isFile() !== true) continue;
      const said = await runProgram(path, ['--version'], signal).catch(() => '');
      const version = /^etcd Version: (?<version>\S+)/mu.exec(said)?.groups?.['version'] ?? '';
      if (minorOf(version) === minor) return { path, version };
    }
    return undefined;
  }

  async start(
    request: { readonly program: string; readonly place: string; readonly store: string },
    signal: AbortSignal,
  ): Promise<DrillServer> {
    const { clock, realPath } = this.#settings;
    const place = realPath(request.place);
    const logPath = join(place, 'etcd.log');
    const { program, args } = await whenIdle(request.program, serverFlags(realPath(request.store)), signal);
    await using log = await open(logPath, 'a', 0o600);
    const child = spawn(program, args, {
      cwd: place,
      env: ENVIRONMENT,
      stdio: ['ignore', log.fd, log.fd],
    });
    const process = new ServerProcess(child, logPath, clock);
    try {
      return await RunningServer.reach(process, clock, signal);
    } catch (thrown) {
      await process.kill();
      throw thrown;
    }
  }
}

/** No peers and no port: sockets are files in the directory that it is started in. */
function serverFlags(store: string): string[] {
  const { name, clientUrl, peerUrl, initialCluster } = DRILL_MEMBER;
  return [
    `--name=${name}`,
    `--data-dir=${store}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=${initialCluster}`,
    // Nobody writes, so nothing may be refused for want of room: whatever the snapshot's size is.
    '--quota-backend-bytes=-1',
    '--log-level=error',
    '--logger=zap',
  ];
}

class ServerProcess {
  readonly #child: ChildProcess;
  readonly #logPath: string;
  readonly #clock: Clock;
  /** How it ended; undefined while it has not. */
  ended: string | undefined;
  #failedToStart: Error | undefined;
  /** It was not this process that ended it. */
  #killed = false;
  readonly #end: Promise<void>;

  constructor(child: ChildProcess, logPath: string, clock: Clock) {
    this.#child = child;
    this.#logPath = logPath;
    this.#clock = clock;
    this.#end = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.ended = code === null ? `by ${signal}` : `with ${code}`;
        resolve();
      });
      child.once('error', (error) => {
        this.#failedToStart = error;
        this.ended = `without a start: ${error.message}`;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Of the socket file; by the process's own directory, whose name is short however long the real one is. */
  get url(): string {
    return `unix:/proc/${this.pid}/cwd/${CLIENT_SOCKET}`;
  }

  /** Throws where it has ended: by its own choice, that is a verdict on the store. */
  async requireAlive(): Promise<void> {
    if (this.ended === undefined || this.#killed) return;
    const said = await readFile(this.#logPath, 'utf8').catch(() => '');
    const cause = new Error(said.slice(-LAST_WORDS_BYTES) || 'it said nothing');
    const isVerdict =
      this.#failedToStart === undefined && this.#child.exitCode !== null && isAboutStore(said);
    throw new LockstepError(isVerdict ? 'SNAPSHOT_UNRESTORABLE' : 'DRILL_FAILED', {
      message: `The etcd of the drill ended ${this.ended}.`,
      cause,
    });
  }

  async kill(): Promise<void> {
    this.#killed = true;
    if (this.ended === undefined) this.#child.kill('SIGKILL');
    const inTime = await Promise.race([
      this.#end.then(() => true),
      this.#clock.delay(KILL_TIMEOUT_MS).then(() => false),
    ]);
    if (inTime) return;
    throw new LockstepError('DRILL_FAILED', {
      message: `The etcd of the drill, process ${this.pid}, was killed and has not ended.`,
    });
  }
}

class RunningServer implements DrillServer {
  readonly clusterId: string;
  readonly version: string;
  readonly #process: ServerProcess;
  readonly #client: EtcdClient;

  private constructor(process: ServerProcess, client: EtcdClient, clusterId: string, version: string) {
    this.#process = process;
    this.#client = client;
    this.clusterId = clusterId;
    this.version = version;
  }

  static async reach(process: ServerProcess, clock: Clock, signal: AbortSignal): Promise<RunningServer> {
    const client = new EtcdClient({ url: process.url });
    try {
      const serves = {
        describe: () => 'the etcd of the drill serves',
        check: async (until: AbortSignal) => {
          await process.requireAlive();
          return client.status(until).then(
            (status) => status.leader !== 0n,
            () => false,
          );
        },
      };
      await waitFor(serves, POLL_MS, signal, clock);
      const ports = listeningPorts(process.pid);
      if (ports.length > 0) {
        throw new LockstepError('DRILL_NEAR_LIVE', {
          message: `The etcd of the drill, process ${process.pid}, listens on port ${ports.join(', ')}; it must on none.`,
        });
      }
      const { header, version } = await client.status(signal);
      return new RunningServer(process, client, hex(header?.clusterId ?? 0n), version);
    } catch (thrown) {
      client.close();
      throw thrown;
    }
  }

  async read(
    content: { readonly revision: bigint; readonly registryPrefix: string },
    signal: AbortSignal,
  ): Promise<Served & { hashKv: number }> {
    const client = this.#client;
    const { revision, registryPrefix } = content;
    try {
      const everything = { key: Buffer.of(0), rangeEnd: Buffer.of(0), revision, serializable: true };
      const counted = await client.range({ ...everything, countOnly: true }, signal);
      const objects = await this.#objects(registryPrefix, revision, signal);
      const [{ hash }, alarms, members, { header }] = await Promise.all([
        client.hashKv(revision, signal),
        client.alarms(signal),
        client.members(signal),
        client.status(signal),
      ]);
      return {
        revision: header?.revision ?? 0n,
        liveKeys: counted.count,
        objects,
        alarms: [...new Set(alarms.map(({ alarm }) => alarmName(alarm)))],
        members: members.map(({ name }) => name),
        hashKv: hash,
      };
    } catch (thrown) {
      signal.throwIfAborted();
      // One that ended under the questions says more than a connection that broke.
      await this.#process.requireAlive();
      throw thrown;
    }
  }

  /** By kind, as the card counts them. */
  async #objects(prefix: string, revision: bigint, signal: AbortSignal): Promise<Map<string, bigint>> {
    const base = Buffer.from(`${prefix}/`);
    const rangeEnd = Buffer.from(prefixEnd(base));
    const counts = new Map<string, bigint>();
    let key: Buffer = base;
    for (;;) {
      const page = await this.#client.range(
        { key, rangeEnd, revision, limit: PAGE_KEYS, keysOnly: true, serializable: true },
        signal,
      );
      for (const row of page.kvs) {
        const resource = parseStorageKey(row.key.toString(), prefix)?.resource;
        if (resource !== undefined) counts.set(resource, (counts.get(resource) ?? 0n) + 1n);
      }
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return counts;
      key = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#process.kill();
  }
}

/** TCP ports on which this one process listens, in its own network. */
export function listeningPorts(pid: number): number[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        return (
          /^socket:\[(?<inode>\d+)\]$/u.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.groups?.['inode'] ?? []
        );
      } catch {
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/u))
      .filter((fields) => fields[3] === '0A' && own.has(fields[9] ?? ''))
      .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)),
  );
}
