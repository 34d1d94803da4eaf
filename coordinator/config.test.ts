import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const WHOLE = `
cluster: lab
id: c1
listen: 127.0.0.1:7444
tls: { caFile: /ca, certFile: /crt, keyFile: /key }
nodes: [{ name: cp1, address: "10.0.0.1:7443" }]
`;

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
  ])('names %s where it %s', (field, _what, text) => {
    expect(() => parseConfig(text, 'x.yaml')).toThrow(`x.yaml: ${field}`);
  });
});
