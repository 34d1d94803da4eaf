import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One member, as its own etcdctl sees it: `endpoint` with the certificates of a client. */
export interface MemberAccess {
  readonly name: string;
  /** `https://127.0.0.1:2379`. */
  readonly endpoint: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: Buffer;
}

const COMMAND_TIMEOUT_MS = 30_000;
/** A whole store of a lab in JSON, values in base64. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/** etcd's own client, one member at a time. Every method rejects where it fails. */
export class Etcdctl {
  private readonly program: string;
  private readonly member: MemberAccess;

  constructor(program: string, member: MemberAccess) {
    this.program = program;
    this.member = member;
  }

  /** Rejects where the member does not take a linearizable read. */
  async health(): Promise<void> {
    await this.run(['endpoint', 'health']);
  }

  async version(): Promise<string> {
    const [status] = await this.json<[{ Status: { version: string } }]>(['endpoint', 'status']);
    return status.Status.version;
  }

  async headRevision(): Promise<bigint> {
    const text = await this.run(['endpoint', 'status', '-w', 'json']);
    return numberAfter(text, 'revision');
  }

  async alarms(): Promise<string> {
    return (await this.run(['alarm', 'list'])).trim();
  }

  /** The hash of all that the member holds at a revision, and the revision it is compacted to; 0n where it never was. */
  async hashKv(revision: bigint): Promise<{ hash: bigint; compactRevision: bigint }> {
    const text = await this.run(['endpoint', 'hashkv', `--rev=${revision}`, '-w', 'json']);
    const compactRevision = numberAfter(text, 'compact_revision', 0n);
    return { hash: numberAfter(text, 'hash'), compactRevision: compactRevision > 0n ? compactRevision : 0n };
  }

  /** Every key under the prefix from the member's own store, at a revision; 0n is its head. */
  async getAll(prefix: string, revision: bigint): Promise<KeyValue[]> {
    const at = revision === 0n ? [] : [`--rev=${revision}`];
    const { kvs } = await this.json<{ kvs?: { key: string; value?: string }[] }>([
      'get',
      '--prefix',
      prefix,
      '--consistency=s',
      ...at,
    ]);
    return (kvs ?? []).map(({ key, value }) => ({
      key: Buffer.from(key, 'base64').toString('utf8'),
      value: Buffer.from(value ?? '', 'base64'),
    }));
  }

  /** What a watch from the revision says before it ends, or before the time is over. */
  async watchFrom(prefix: string, revision: bigint, timeoutMs: number): Promise<string> {
    const child = spawn(this.program, [...this.flags(), 'watch', '--prefix', prefix, `--rev=${revision}`], {
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await once(child, 'close');
    clearTimeout(timer);
    return said;
  }

  private async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.run([...args, '-w', 'json'])) as T;
  }

  private async run(args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.program, [...this.flags(), ...args], {
      env: this.environment(),
      timeout: COMMAND_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout;
  }

  private flags(): string[] {
    const { endpoint, caFile, certFile, keyFile } = this.member;
    return [`--endpoints=${endpoint}`, `--cacert=${caFile}`, `--cert=${certFile}`, `--key=${keyFile}`];
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, ETCDCTL_API: '3' };
  }
}

/** A whole number of any size, by its field's name: JSON.parse would round it. */
function numberAfter(json: string, field: string, otherwise?: bigint): bigint {
  const match = new RegExp(`"${field}":(-?\\d+)`).exec(json);
  if (match?.[1] !== undefined) return BigInt(match[1]);
  if (otherwise !== undefined) return otherwise;
  throw new Error(`etcdctl names no ${field}`);
}
