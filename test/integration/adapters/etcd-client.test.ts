import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { AlarmType } from '@lockstep/shared/generated/etcd/etcdserverpb/rpc.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { writeCertificates } from './support/certificates.ts';
import { type RunningEtcd, startEtcd } from './support/etcd-process.ts';
import { scratchDirectory } from './support/scratch.ts';

let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
let etcd: RunningEtcd;
let client: EtcdClient;
const soon = (): AbortSignal => deadline(10_000);
const bytes = (text: string): Buffer => Buffer.from(text);

beforeAll(async () => {
  scratch = await scratchDirectory();
  const tls = await writeCertificates(`${scratch.path}/pki`, '127.0.0.1');
  // The smallest quota that takes a few rows: one more fills it and raises NOSPACE.
  etcd = await startEtcd({ directory: scratch.path, tls, extraFlags: ['--quota-backend-bytes=4194304'] });
  client = new EtcdClient(etcd.endpoint);
});

afterAll(async () => {
  client?.close();
  await etcd?.kill();
  await scratch?.[Symbol.asyncDispose]();
});

describe('a client of one member, over mutual TLS to an IP address', () => {
  test('sees status, members and no auth', async () => {
    const status = await client.status(soon());
    const members = await client.members(soon());
    expect(members.map((member) => member.ID)).toEqual([status.header?.memberId]);
    expect(members[0]?.peerURLs).toEqual([etcd.peerUrl]);
    expect(await client.authEnabled(soon())).not.toBe(true);
  });

  test('lists every key once across pages, as of one revision', async () => {
    for (let start = 0; start < 5_000; start += 100) {
      const success = Array.from({ length: 100 }, (_, offset) => ({
        request: {
          $case: 'requestPut' as const,
          value: {
            key: bytes(`/registry/pods/p${String(start + offset).padStart(5, '0')}`),
            value: bytes('v'),
            lease: 0n,
            prevKv: false,
            ignoreValue: false,
            ignoreLease: false,
          },
        },
      }));
      await client.txn({ compare: [], success, failure: [] }, soon());
    }
    const seen: string[] = [];
    for await (const { key } of client.listKeys(bytes('/registry/pods/'), soon())) {
      if (seen.length === 10) await client.put(bytes('/registry/pods/p99999'), bytes('late'), soon());
      seen.push(Buffer.from(key).toString());
    }
    expect(seen).toHaveLength(5_000);
    expect(seen).toEqual([...new Set(seen)].sort());
  });

  test('hashes at a revision, and is refused a compacted one', async () => {
    const { header } = await client.put(bytes('a'), bytes('1'), soon());
    const revision = header?.revision ?? 0n;
    const before = await client.hashKv(revision, soon());
    await client.put(bytes('a'), bytes('2'), soon());
    const after = await client.hashKv(revision, soon());
    expect(after.hash).toBe(before.hash);
    expect((await client.hashKv(0n, soon())).hash).not.toBe(before.hash);
    await client.compact(revision + 1n, true, soon());
    await expect(client.hashKv(revision - 1n, soon())).rejects.toMatchObject({ code: 'ETCD_REFUSED' });
  });

  test('streams a snapshot whose trailer is the digest of its bytes', async () => {
    const hash = createHash('sha256');
    let held = Buffer.alloc(0);
    for await (const chunk of client.snapshot(soon())) {
      held = Buffer.concat([held, chunk]);
      const whole = held.subarray(0, Math.max(0, held.length - 32));
      hash.update(whole);
      held = held.subarray(whole.length);
    }
    expect(held.toString('hex')).toBe(hash.digest('hex'));
  });

  test('ends a snapshot that nobody reads when the signal comes', async () => {
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _chunk of client.snapshot(abort.signal)) abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  });

  test('lists and disarms a NOSPACE alarm', async () => {
    const filler = Buffer.alloc(1_000_000, 1);
    await expect(
      (async () => {
        // Far above the quota: etcd counts what it has committed, a batch of up to 100 ms behind.
        for (let index = 0; index < 200; index += 1) await client.put(bytes(`fill${index}`), filler, soon());
      })(),
    ).rejects.toMatchObject({
      code: 'ETCD_REFUSED',
      message: expect.stringContaining('database space exceeded'),
    });
    const [raised] = await client.alarms(soon());
    expect(raised?.alarm).toBe(AlarmType.NOSPACE);
    await client.disarm(raised?.memberId ?? 0n, AlarmType.NOSPACE, soon());
    expect(await client.alarms(soon())).toEqual([]);
  });

  test('is refused by the wrong certificate authority', async () => {
    const other = await writeCertificates(`${scratch.path}/other`, '127.0.0.1');
    const tls = {
      ca: await readFile(other.ca),
      cert: await readFile(other.cert),
      key: await readFile(other.key),
    };
    using stranger = new EtcdClient({ url: etcd.endpoint.url, tls });
    await expect(stranger.status(soon())).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  });

  test('refuses a certificate that does not name the address it dialled', async () => {
    await using elsewhere = await scratchDirectory();
    const tls = await writeCertificates(`${elsewhere.path}/pki`, '127.0.0.9');
    const start = startEtcd({ directory: elsewhere.path, address: '127.0.0.2', tls, readyMs: 3_000 });
    await expect(start).rejects.toThrow(/aborted/);
  });

  test('streams nothing to a stranger, and nothing from a member of another name', async () => {
    await using elsewhere = await scratchDirectory();
    const other = await writeCertificates(`${elsewhere.path}/pki`, '127.0.0.9');
    const [ca, cert, key] = await Promise.all(
      [other.ca, other.cert, other.key].map((path) => readFile(path)),
    );
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('no certificates');
    const { url, tls: own } = etcd.endpoint;
    if (own === undefined) throw new Error('no TLS');
    const strangers = [
      { url, tls: { ...own, cert, key } },
      { url, tls: { ...own, ca } },
      { url: url.replace('127.0.0.1', 'localhost'), tls: own },
      { url: url.replace('https:', 'http:') },
    ];
    for (const endpoint of strangers) {
      using stranger = new EtcdClient(endpoint);
      const first = stranger.snapshot(soon()).next();
      await expect(first).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
    }
  });

  test('does not outlive its signal', async () => {
    await expect(client.status(AbortSignal.abort(new Error('no time')))).rejects.toMatchObject({
      code: 'ETCD_UNREACHABLE',
    });
  });
});
