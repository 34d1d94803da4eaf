import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WatchEvent } from '../../lab/api-server/client.ts';
import { timings } from '../../lab/timings.ts';
import { Fixture } from './fixture.ts';

const run = promisify(execFile);
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

interface Listed {
  metadata: { resourceVersion: string };
  items: { metadata: { name: string } }[];
}

let fixture: Fixture;

const configMap = (name: string, value: string): unknown => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value },
});

async function etcdctl(...args: string[]): Promise<string> {
  const { stdout } = await run(fixture.etcdctl, [`--endpoints=${fixture.etcdUrl}`, ...args], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
  return stdout;
}

const lease = async (): Promise<string> =>
  etcdctl('get', '--keys-only', '/registry/masterleases/127.0.0.1').then((text) => text.trim());

beforeAll(async () => {
  fixture = await Fixture.create();
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

test('it serves only some seconds after etcd answers, however long it waited before', async () => {
  fixture.startApiServer();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await expect(fixture.call('GET', '/livez')).rejects.toThrow('ECONNREFUSED');
  await fixture.startEtcd();
  const waitedMs = await fixture.waitReady();
  expect(waitedMs).toBeGreaterThan(timings.apiServerStartMs - 500);
  expect(waitedMs).toBeLessThan(timings.apiServerStartMs + 3_000);
});

test('its masterlease is under a lease of 15 seconds', async () => {
  await expect.poll(lease).toBe('/registry/masterleases/127.0.0.1');
  const { leases } = JSON.parse(await etcdctl('lease', 'list', '-w', 'json')) as { leases: { id: bigint }[] };
  expect(leases).toHaveLength(1);
});

test('who shows no certificate learns its health and nothing else', async () => {
  using nobody = fixture.anonymous();
  const signal = AbortSignal.timeout(5_000);
  expect(await nobody.call('GET', '/readyz', undefined, signal)).toEqual({ code: 200, body: 'ok' });
  expect((await nobody.call('GET', CONFIG_MAPS, undefined, signal)).code).toBe(401);
});

test('objects are created once, replaced over the revision they name, and deleted', async () => {
  const created = await fixture.json<{ metadata: { resourceVersion: string; uid: string } }>(
    'POST',
    CONFIG_MAPS,
    201,
    configMap('one', 'a'),
  );
  expect((await fixture.call('POST', CONFIG_MAPS, configMap('one', 'b'))).code).toBe(409);

  const stale = { ...(configMap('one', 'c') as object), metadata: { name: 'one', resourceVersion: '1' } };
  expect((await fixture.call('PUT', `${CONFIG_MAPS}/one`, stale)).code).toBe(409);
  const updated = await fixture.json<{ metadata: { resourceVersion: string; uid: string } }>(
    'PUT',
    `${CONFIG_MAPS}/one`,
    200,
    configMap('one', 'd'),
  );
  expect(updated.metadata.uid).toBe(created.metadata.uid);
  expect(BigInt(updated.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion));

  await fixture.json('DELETE', `${CONFIG_MAPS}/one`, 200);
  expect((await fixture.call('GET', `${CONFIG_MAPS}/one`)).code).toBe(404);
});

test('the key is the one that kube-apiserver uses, and the revision is not stored', async () => {
  await fixture.json('POST', '/api/v1/nodes', 201, { kind: 'Node', metadata: { name: 'cp1' } });
  const stored = await etcdctl('get', '--print-value-only', '/registry/minions/cp1');
  expect(stored).not.toContain('resourceVersion');
});

test('a watch from a list misses nothing, and follows the field selector', async () => {
  const pods = '/api/v1/pods?fieldSelector=spec.nodeName%3Dcp1';
  const pod = (name: string, nodeName: string): unknown => ({
    kind: 'Pod',
    metadata: { name },
    spec: { nodeName },
  });
  await fixture.json('POST', '/api/v1/namespaces/default/pods', 201, pod('before', 'cp1'));
  const listed = await fixture.json<Listed>('GET', pods, 200);
  expect(listed.items.map((item) => item.metadata.name)).toEqual(['before']);

  await fixture.json('POST', '/api/v1/namespaces/default/pods', 201, pod('between', 'cp1'));
  const watch = fixture.watch(`${pods}&watch=1&resourceVersion=${listed.metadata.resourceVersion}`);
  expect((await watch.next()).value).toMatchObject({
    type: 'ADDED',
    object: { metadata: { name: 'between' } },
  });
  await fixture.json('POST', '/api/v1/namespaces/default/pods', 201, pod('elsewhere', 'cp2'));
  await fixture.json('DELETE', '/api/v1/namespaces/default/pods/before', 200);
  expect((await watch.next()).value).toMatchObject({
    type: 'DELETED',
    object: { metadata: { name: 'before' } },
  });
  await watch.return(undefined);
});

test('a list at a compacted revision is refused with 410, and one from the future with 504', async () => {
  const { metadata } = await fixture.json<Listed>('GET', CONFIG_MAPS, 200);
  await fixture.json('POST', CONFIG_MAPS, 201, configMap('later', 'x'));
  await fixture.json('POST', CONFIG_MAPS, 201, configMap('latest', 'x'));
  await etcdctl('compaction', String(BigInt(metadata.resourceVersion) + 1n));
  const old = await fixture.call(
    'GET',
    `${CONFIG_MAPS}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`,
  );
  expect(old.code).toBe(410);
  expect(old.body).toContain('required revision has been compacted');

  const future = await fixture.call('GET', `${CONFIG_MAPS}?resourceVersion=9000000000`);
  expect(future.code).toBe(504);
  expect(future.body).toContain('Too large resource version');
});

test('health fails while etcd is away, and a watch held over it goes on after', async () => {
  const { metadata } = await fixture.json<Listed>('GET', CONFIG_MAPS, 200);
  const watch = fixture.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${metadata.resourceVersion}`);
  await fixture.killEtcd();
  const sick = await fixture.call('GET', '/readyz');
  expect(sick.code).toBe(500);
  expect(sick.body).toContain('[-]etcd failed');
  await fixture.startEtcd();
  await expect.poll(async () => (await fixture.call('GET', '/readyz')).code, { timeout: 10_000 }).toBe(200);
  await fixture.json('POST', CONFIG_MAPS, 201, configMap('after-the-fall', 'x'));
  expect((await watch.next()).value).toMatchObject({ object: { metadata: { name: 'after-the-fall' } } });
  await watch.return(undefined);
});

test('asked to stop, it takes its masterlease with it; killed, it leaves it', async () => {
  await fixture.stopApiServer();
  expect(await lease()).toBe('');
  fixture.startApiServer();
  await fixture.waitReady();
  await expect.poll(lease).not.toBe('');
  await fixture.killApiServer();
  expect(await lease()).not.toBe('');
});

test('a watch from before its last list is told that its revision is too old; one from the future waits', async () => {
  fixture.startApiServer();
  await fixture.waitReady();
  const old = fixture.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=1`);
  const { value: event } = (await old.next()) as { value: WatchEvent };
  expect(event).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  expect(event.object.message).toContain('too old resource version: 1');
  expect((await old.next()).done).toBe(true);

  const future = fixture.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=9000000000`);
  const first = await Promise.race([
    future.next(),
    new Promise((resolve) => setTimeout(resolve, 500, 'silence')),
  ]);
  expect(first).toBe('silence');
});
