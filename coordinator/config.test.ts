import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const WHOLE = `
cluster: lab
id: c1
listen: 127.0.0.1:7444
tls: { caFile: /ca, certFile: /crt, keyFile: /key }
nodes: [{ name: cp1, address: "10.0.0.1:7443" }]
`;

const DISK = '{ name: disk, directory: { path: /mnt/vault/lockstep } }';
const OPEN = '{ name: disk, unencrypted: true, directory: { path: /mnt/vault/lockstep } }';

describe('the configuration', () => {
  it('has a place for its state where none is given', () => {
    expect(parseConfig(WHOLE, 'x').stateDir).toBe('/var/lib/lockstep-coordinator');
  });

  it.each([
    ['nodes', 'names neither nodes nor NATS', WHOLE.replace(/^nodes.*$/m, '')],
    ['nodes', 'names a node twice', WHOLE.replace(/(\{ name: cp1[^}]*\})/, '$1, $1')],
    ['listen', 'has no port', WHOLE.replace('127.0.0.1:7444', '127.0.0.1')],
    ['nats.servers.0', 'has a server without a scheme', `${WHOLE}nats: { servers: ["host:4222"] }`],
    ['the file', 'has a setting that does not exist', `${WHOLE}colour: red`],
    ['recipients', 'has a store and nobody who can open it', `${WHOLE}stores: [${DISK}]`],
    ['recipients.0', 'has what is no recipient', `${WHOLE}recipients: [age1nobody]`],
    ['copies.stores', 'copies to a store that is none', `${WHOLE}copies: { stores: [offsite] }`],
    ['stores', 'calls a store like a node', `${WHOLE}stores: [${OPEN.replace('disk', 'cp1')}]`],
    ['stores', 'names a store twice', `${WHOLE}stores: [${OPEN}, ${OPEN}]`],
    ['stores.0', 'has a store of no kind', `${WHOLE}stores: [{ name: disk }]`],
    [
      'stores.0.s3.endpoint',
      'has credentials in an address',
      `${WHOLE}stores: [{ name: s, s3: { bucket: abc, endpoint: "https://me:secret@host" } }]`,
    ],
  ])('names %s where it %s', (field, _what, text) => {
    expect(() => parseConfig(text, 'x.yaml')).toThrow(`x.yaml: ${field}`);
  });
});
