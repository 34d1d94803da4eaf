import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBERNETES_TESTDATA, kubernetesTestdata } from '../../lab/tools/kubernetes-testdata.ts';
import { defaultPlaces, locateProgram, locateTools } from '../../lab/tools/locate.ts';
import type { ApiClient } from './api-client.ts';
import { differences } from './differences.ts';
import { RunningSandbox } from './running-sandbox.ts';
import { IntrudedStore } from './store.ts';

/*
 * Objects with every field set, as upstream's own encoder wrote them, put straight into the etcd of
 * a sandbox and asked of a real kube-apiserver.
 */

const FETCH_TIMEOUT_MS = 240_000;
const PUT_TIMEOUT_MS = 10_000;

const apiserver = await locateProgram('kube-apiserver', defaultPlaces());
const testdata = await kubernetesTestdata(KUBERNETES_TESTDATA[0]!, AbortSignal.timeout(FETCH_TIMEOUT_MS));
const { etcd: tools } = await locateTools();

interface Served {
  readonly groupVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Where kube-apiserver keeps what it does not keep under its plural name. */
const STORED_UNDER: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  ingresses: 'ingress',
  replicationcontrollers: 'controllers',
};

describe.runIf(apiserver !== undefined && testdata !== undefined)("upstream's objects", () => {
  let store: IntrudedStore;
  let sandbox: RunningSandbox;
  let etcd: EtcdClient;

  beforeAll(async () => {
    store = await IntrudedStore.make(tools, 1);
    sandbox = await RunningSandbox.start(tools, store.snapshot, apiserver ?? '');
    etcd = new EtcdClient({ url: `unix:/proc/${sandbox.ready.pid}/cwd/client:1` });
  });

  afterAll(async () => {
    etcd?.close();
    await sandbox?.stop();
    store?.[Symbol.dispose]();
  });

  it('are answered by kube-apiserver as they are printed by us, but for what it fills in', async () => {
    const directory = join(testdata ?? '', 'HEAD');
    const served = await servedKinds(sandbox.client);
    const decoder = new Decoder();
    const outcome: Record<string, string[]> = {};
    let compared = 0;
    for (const file of (await readdir(directory)).filter((each) => each.endsWith('.pb')).sort()) {
      const id = file.slice(0, -'.pb'.length);
      const kind = served.get(id);
      if (kind === undefined || NEVER_STORED.has(id)) continue;
      const { groupVersion, plural, namespaced } = kind;
      const value = await readFile(join(directory, file));
      const where = namespaced ? 'namespaceValue/nameValue' : 'nameValue';
      const key = `/registry/${STORED_UNDER[plural] ?? plural}/${where}`;
      const limit = deadline(PUT_TIMEOUT_MS);
      const { header } = await etcd.put(Buffer.from(key), value, limit);
      const root = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
      const scope = namespaced ? '/namespaces/namespaceValue' : '';
      const { status, text } = await sandbox.client.ask('GET', `${root}${scope}/${plural}/nameValue`);
      await etcd.deleteRange(Buffer.from(key), limit);
      const decoded = decoder.decode(value, { key, modRevision: Number(header?.revision ?? 0n) });
      const ours: unknown = decoded.form === 'object' ? JSON.parse(JSON.stringify(decoded.object)) : decoded;
      const theirs: unknown = status === 200 ? JSON.parse(text) : `${status} ${text}`;
      compared++;
      const found = differences(ours, theirs).filter((each) => !isFilledIn(each));
      if (found.length > 0) outcome[id] = found;
    }
    console.log(`${compared} kinds as kube-apiserver prints them`);
    expect(outcome).toEqual({});
    expect(compared).toBeGreaterThan(50);
  });
});

/** Made up at each answer: of components' health there is nothing in a store. */
const NEVER_STORED: ReadonlySet<string> = new Set(['core.v1.ComponentStatus']);

/**
 * Old names of fields, which an API server writes anew from the new ones, and a field that it never
 * stores. In objects that an API server has stored they agree; upstream's hold another word in each.
 */
const WRITTEN_ANEW = [
  /serviceAccount: "serviceAccountValue" -> "serviceAccountNameValue"$/u,
  /^spec\.podCIDRs\[0\]: "podCIDRsValue" -> "podCIDRValue"$/u,
  /^status\.podIPs\[0\]\.ip: "ipValue" -> "podIPValue"$/u,
  /^stringData: .* -> undefined$/su,
];

/** Defaults, of which upstream's objects have none. */
function isFilledIn(difference: string): boolean {
  return difference.includes(': undefined -> ') || WRITTEN_ANEW.some((known) => known.test(difference));
}

/** By "apps.v1.Deployment", as upstream's files are named. */
async function servedKinds(client: ApiClient): Promise<Map<string, Served>> {
  const groups = (await client.json('/apis')) as {
    groups: { versions: { groupVersion: string }[] }[];
  };
  const paths = [
    ['v1', '/api/v1'],
    ...groups.groups.flatMap(({ versions }) =>
      versions.map(({ groupVersion }) => [groupVersion, `/apis/${groupVersion}`]),
    ),
  ] as [string, string][];
  const served = new Map<string, Served>();
  for (const [groupVersion, path] of paths) {
    const { status, text } = await client.ask('GET', path);
    if (status !== 200) continue;
    const { resources } = JSON.parse(text) as {
      resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
    };
    for (const { name, kind, namespaced, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('get')) continue;
      const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['core', groupVersion];
      served.set(`${group}.${version}.${kind}`, { groupVersion, plural: name, namespaced });
    }
  }
  return served;
}
