import { describe, expect, test } from 'vitest';

import { addressOfUrl, apiServerAddress, contradiction, type StopEvidence } from './proof-of-stop.ts';

const STORE = { device: '253:1', inode: 42n };
const MEMBER = { address: '192.0.2.11', port: 2379 };
const ANYWHERE = { address: '0.0.0.0', port: 0 };

/** A node on which everything has stopped. */
const STOPPED: StopEvidence = {
  kubelet: {
    held: true,
    state: {
      activeState: 'inactive',
      mainPid: 0,
      loadState: 'loaded',
      needDaemonReload: false,
      dropInPaths: [],
    },
  },
  pods: [],
  survivors: [],
  addresses: [MEMBER, { address: '192.0.2.11', port: 2380 }],
  sockets: [
    // A virtual cluster's etcd on the same host, and a connection that is not yet forgotten.
    { local: { address: '192.0.2.99', port: 2379 }, remote: ANYWHERE, state: 'listen' },
    { local: MEMBER, remote: { address: '192.0.2.12', port: 5000 }, state: 'other' },
  ],
  storeFiles: [STORE],
  openFiles: [],
  locks: [
    // The proof's own, and somebody's on another store.
    { kind: 'FLOCK', access: 'WRITE', pid: 1, file: STORE },
    { kind: 'FLOCK', access: 'WRITE', pid: 77, file: { device: '253:1', inode: 43n } },
  ],
  ownPid: 1,
};

const pod = (state: 'running' | 'created' | 'unknown' | 'exited', sandboxReady = false) => ({
  sandboxId: 's1',
  component: 'etcd',
  name: 'etcd-cp1',
  uid: 'u1',
  sandboxReady,
  containers: [{ id: 'c1', name: 'etcd', state, image: '' }],
});
const kubelet = (change: Partial<StopEvidence['kubelet']['state']>, held = true) => ({
  held,
  state: { ...STOPPED.kubelet.state, ...change },
});

describe('the proof of a stop', () => {
  test('holds where every signal agrees, other etcds on the host left alone', () => {
    expect(contradiction(STOPPED)).toBeUndefined();
    expect(contradiction({ ...STOPPED, pods: [pod('exited')] })).toBeUndefined();
    expect(contradiction({ ...STOPPED, kubelet: kubelet({ activeState: 'failed' }) })).toBeUndefined();
  });

  test.each<[string, Partial<StopEvidence>, RegExp]>([
    ['kubelet could start', { kubelet: kubelet({}, false) }, /not held/],
    ['kubelet is stopping', { kubelet: kubelet({ activeState: 'deactivating' }) }, /deactivating/],
    ['kubelet waits to be restarted', { kubelet: kubelet({ activeState: 'activating' }) }, /activating/],
    ['kubelet has a process', { kubelet: kubelet({ mainPid: 9 }) }, /process 9/],
    ['a container runs', { pods: [pod('running')] }, /c1 of etcd is running/],
    ['a container is about to run', { pods: [pod('created')] }, /created/],
    ['the runtime does not know', { pods: [pod('unknown')] }, /unknown/],
    ['a sandbox is up', { pods: [pod('exited', true)] }, /sandbox s1/],
    ['a known process lives', { survivors: [1234] }, /1234/],
    ['somebody has the store open', { openFiles: [{ pid: 5, command: 'x', path: '/db' }] }, /process 5/],
    [
      'somebody holds its lock',
      { locks: [{ kind: 'FLOCK', access: 'WRITE', pid: 6, file: STORE }] },
      /process 6 holds a FLOCK/,
    ],
    [
      'an open file of nobody known holds its lock',
      { locks: [{ kind: 'OFDLCK', access: 'WRITE', pid: undefined, file: STORE }] },
      /somebody holds/,
    ],
    [
      'somebody listens there',
      { sockets: [{ local: MEMBER, remote: ANYWHERE, state: 'listen' }] },
      /192\.0\.2\.11:2379/,
    ],
    [
      'somebody listens everywhere',
      { sockets: [{ local: { address: '::', port: 2380 }, remote: ANYWHERE, state: 'listen' }] },
      /\[::\]:2380/,
    ],
  ])('fails where %s', (_, change, words) => {
    expect(contradiction({ ...STOPPED, ...change })).toMatch(words);
  });
});

test.each([
  ['https://192.0.2.11:2379', { address: '192.0.2.11', port: 2379 }],
  ['https://[2001:db8::1]:2380', { address: '2001:db8::1', port: 2380 }],
  ['http://localhost:2379', { address: '0.0.0.0', port: 2379 }],
  ['unix://sock', { address: '0.0.0.0', port: 80 }],
])('%s is silent where nobody listens on %j', (url, address) => {
  expect(addressOfUrl(url)).toEqual(address);
});

test('what is no URL has no address', () => {
  expect(addressOfUrl('192.0.2.11')).toBeUndefined();
});

test('an API server that binds every address is looked for on the one it advertises', () => {
  expect(apiServerAddress('0.0.0.0', '192.0.2.11', 6443)).toEqual({ address: '192.0.2.11', port: 6443 });
  expect(apiServerAddress('192.0.2.12', '192.0.2.11', 6443)).toEqual({ address: '192.0.2.12', port: 6443 });
  expect(apiServerAddress('::', '', 6443)).toEqual({ address: '::', port: 6443 });
});
