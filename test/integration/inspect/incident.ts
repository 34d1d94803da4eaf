import { createHash } from 'node:crypto';
import { copyFileSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseline } from '../../demo/baseline.ts';
import type { EtcdTools } from '../../lab/tools/locate.ts';
import { base64, Etcd } from '../snapshot/etcd.ts';

/** A red word, a window's title, a new line, words in another order, and C1's own escape. */
export const HOSTILE = 'x\u001b[31mred\u001b]0;owned\u0007\nline\u202eesrever\u009b2J';
export const APP = '/registry/configmaps/team-01/app';
export const PASSWORD = 'hunter2-and-more';

/** One of the baseline's objects in so many: of every kind there are some left. */
const EVERY = 7;

/** What a real etcd holds before and after something happened, as snapshots in a directory of their own. */
export class Incident implements AsyncDisposable {
  readonly directory: string;
  readonly etcd: Etcd;
  readonly before: string;
  readonly after: string;
  readonly compacted: string;
  /** Revisions at which `APP` was put, in order; then that of its deletion. */
  readonly appRevisions: number[] = [];
  /** What etcd itself answered for `APP` at revisions, before it was compacted. */
  readonly appAnswers: { readonly revision: number; readonly modRevision: number; readonly value: string }[] =
    [];

  private constructor(etcd: Etcd) {
    this.etcd = etcd;
    this.directory = mkdtempSync(join(tmpdir(), 'lockstep-inspect-'));
    this.before = join(this.directory, 'before.db');
    this.after = join(this.directory, 'after.db');
    this.compacted = join(this.directory, 'compacted.db');
  }

  static async make(tools: EtcdTools): Promise<Incident> {
    const incident = new Incident(await Etcd.start(tools));
    try {
      await incident.#fill();
      await incident.#happen();
      return incident;
    } catch (thrown) {
      await incident[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  async #fill(): Promise<void> {
    let batch: (readonly [string, Buffer])[] = [];
    let index = 0;
    const node = { name: 'cp1', address: '10.0.0.1' };
    const options = { seed: 1, caPem: 'a CA', controlPlane: [node], kubernetesVersion: 'v1.34.0' };
    for (const { key, value } of baseline(options)) {
      if (index++ % EVERY !== 0) continue;
      batch.push([key, value]);
      if (batch.length < 100) continue;
      await this.etcd.putAll(batch);
      batch = [];
    }
    await this.etcd.putAll(batch);
    await this.#putApp(configMap('app', 0, { level: 'info' }, [['helm', 0]]));
    await this.etcd.put('/registry/secrets/team-01/db', secret(PASSWORD));
    copyFileSync(await this.etcd.snapshot('before.db'), this.before);
  }

  async #happen(): Promise<void> {
    const { etcd } = this;
    const edited = [
      ['helm', 0],
      ['kubectl-edit', 5],
    ] as const;
    await this.#putApp(configMap('app', 0, { level: 'debug', [HOSTILE]: HOSTILE }, edited));
    await etcd.put('/registry/secrets/team-01/db', secret('another'));
    const lease = await etcd.grant(3600);
    await etcd.put('/registry/events/team-01/app.1', event(), lease);
    await etcd.put('/registry/configmaps/team-01/early', configMap('early', 6, {}, [['helm', 6]]));
    this.appRevisions.push(await deleted(etcd, APP));
    await etcd.put('/registry/configmaps/team-01/late', configMap('late', 9, {}, [['helm', 9]]));
    await etcd.put(`/registry/configmaps/team-01/${HOSTILE}`, configMap(HOSTILE, 9, {}, [[HOSTILE, 9]]));
    await etcd.put(`/registry/secrets/../../${'y'.repeat(900)}`, secret('traversal'));
    copyFileSync(await etcd.snapshot('after.db'), this.after);
    for (let revision = this.appRevisions[0]!; revision < this.appRevisions.at(-1)!; revision++) {
      const { kvs } = (await etcd.call('kv/range', { key: base64(APP), revision: String(revision) })) as {
        kvs: [{ value: string; mod_revision: string }];
      };
      const value = Buffer.from(kvs[0].value, 'base64').toString();
      this.appAnswers.push({ revision, modRevision: Number(kvs[0].mod_revision), value });
    }
    for (const key of GONE)
      await etcd.put(key, configMap('gone', 9, { filler: 'x'.repeat(3_000) }, [['helm', 9]]));
    for (const key of GONE) await deleted(etcd, key);
    const { header } = (await etcd.call('kv/range', { key: 'eA==' })) as { header: { revision: string } };
    await etcd.call('kv/compaction', { revision: header.revision, physical: true });
    copyFileSync(await etcd.snapshot('compacted.db'), this.compacted);
  }

  async #putApp(value: string): Promise<void> {
    await this.etcd.put(APP, value);
    const { header } = (await this.etcd.call('kv/range', { key: 'eA==' })) as {
      header: { revision: string };
    };
    this.appRevisions.push(Number(header.revision));
  }

  /** Everything that a program which writes would change. */
  state(): unknown {
    return readdirSync(this.directory)
      .sort()
      .map((name) => {
        const path = join(this.directory, name);
        const { mtimeNs, ctimeNs, ino, mode, size } = lstatSync(path, { bigint: true });
        const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
        return { name, sha256, mtimeNs, ctimeNs, ino, mode, size };
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.etcd[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Put, deleted and compacted away: on so many pages that etcd, which writes over some of those that it
 * has just given up, leaves others.
 */
export const GONE = Array.from({ length: 30 }, (_, at) => `/registry/configmaps/team-01/gone-${at}`);

async function deleted(etcd: Etcd, key: string): Promise<number> {
  const answer = (await etcd.call('kv/deleterange', { key: base64(key) })) as {
    header: { revision: string };
  };
  return Number(answer.header.revision);
}

function minute(at: number): string {
  return `2026-11-22T10:${String(at).padStart(2, '0')}:00Z`;
}

function configMap(
  name: string,
  created: number,
  data: object,
  managers: readonly (readonly [string, number])[],
): string {
  return JSON.stringify({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace: 'team-01',
      uid: 'b2a1',
      creationTimestamp: minute(created),
      managedFields: managers.map(([manager, at]) => ({
        manager,
        operation: 'Update',
        apiVersion: 'v1',
        time: minute(at),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { [`f:${manager}`]: {} } },
      })),
    },
    data,
  });
}

function secret(password: string): string {
  const value = Buffer.from(password).toString('base64');
  return JSON.stringify({
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: {
      name: 'db',
      namespace: 'team-01',
      creationTimestamp: minute(1),
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"password":"${value}"}}` },
    },
    type: 'Opaque',
    data: { password: value },
  });
}

function event(): string {
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'v1',
    metadata: { name: 'app.1', namespace: 'team-01', creationTimestamp: minute(6) },
    involvedObject: { kind: 'Pod', namespace: 'team-01', name: 'app' },
    reason: 'Killing',
    message: `Stopping container ${HOSTILE}`,
    source: { component: 'kubelet' },
    lastTimestamp: minute(6),
    count: 3,
  });
}
