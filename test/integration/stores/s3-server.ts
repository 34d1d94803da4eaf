import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { freePort } from '@lockstep/shared/free-port.ts';
import { locateVersitygw } from '../../lab/tools/locate.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 20_000;
const ROOT = { accessKeyId: 'root-of-the-test', secretAccessKey: 'a-secret-that-nobody-prints' };

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A real S3 server on a directory of its own, with buckets, users, and locks. */
export class S3Server implements AsyncDisposable {
  readonly directory: string;
  readonly port: number;
  readonly #program: string;
  readonly #process: ChildProcess;

  private constructor(program: string, directory: string, port: number) {
    this.#program = program;
    this.directory = directory;
    this.port = port;
    const global = ['--access', ROOT.accessKeyId, '--secret', ROOT.secretAccessKey];
    const places = ['--port', `${HOST}:${port}`, '--iam-dir', join(directory, 'iam'), '--quiet'];
    const posix = ['posix', '--versioning-dir', join(directory, 'versions'), join(directory, 'buckets')];
    this.#process = spawn(program, [...global, ...places, ...posix], { stdio: 'ignore' });
  }

  /** Undefined where this machine has no such server. */
  static async start(): Promise<S3Server | undefined> {
    const program = await locateVersitygw();
    if (program === undefined) return undefined;
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-s3-'));
    for (const each of ['iam', 'versions', 'buckets']) await mkdir(join(directory, each));
    const server = new S3Server(program, directory, await freePort());
    for (const until = Date.now() + START_TIMEOUT_MS; !(await answers(server.port)); ) {
      if (Date.now() > until) throw new Error('the S3 server does not answer');
      await delay(100);
    }
    return server;
  }

  get endpoint(): string {
    return `http://${HOST}:${this.port}`;
  }

  get root(): Credentials {
    return ROOT;
  }

  async makeBucket(name: string, locks = false): Promise<void> {
    using client = this.#client();
    await client.s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: locks }));
  }

  async makeUser(credentials: Credentials): Promise<void> {
    const { accessKeyId, secretAccessKey } = credentials;
    await this.#admin('create-user', '--access', accessKeyId, '--secret', secretAccessKey, '--role', 'user');
  }

  async removeUser({ accessKeyId }: Credentials): Promise<void> {
    await this.#admin('delete-user', '--access', accessKeyId);
  }

  /** As the server itself shows it. */
  async objects(bucket: string): Promise<string[]> {
    using client = this.#client();
    const { Contents = [] } = await client.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = '' }) => Key);
  }

  async unfinishedUploads(bucket: string): Promise<number> {
    using client = this.#client();
    const { Uploads = [] } = await client.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Uploads.length;
  }

  /** A file of the kind that AWS's tools write. */
  async credentialsFile(name: string, { accessKeyId, secretAccessKey }: Credentials): Promise<string> {
    const path = join(this.directory, `credentials-${name}`);
    const lines = [
      '[default]',
      `aws_access_key_id = ${accessKeyId}`,
      `aws_secret_access_key = ${secretAccessKey}`,
    ];
    await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }

  #client(): Disposable & { readonly s3: S3Client } {
    const s3 = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: ROOT,
    });
    return { s3, [Symbol.dispose]: () => s3.destroy() };
  }

  async #admin(...args: string[]): Promise<void> {
    const global = [
      'admin',
      '--allow-insecure',
      '--access',
      ROOT.accessKeyId,
      '--secret',
      ROOT.secretAccessKey,
    ];
    await promisify(execFile)(this.#program, [...global, '--endpoint-url', this.endpoint, ...args]);
  }
}

function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, HOST);
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
