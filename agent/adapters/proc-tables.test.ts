import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatDevice, listensOn, parseLocks, parseMountinfo, parseTcpTable } from './proc-tables.ts';

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14342 1 0000000000000000 100 0 0 10 0
   1: 0B00A8C0:094B 0C00A8C0:C836 01 00000000:00000000 00:00000000 00000000     0        0 14343 1 0000000000000000 20 4 30 10 -1
   2: 0B00A8C0:C350 0C00A8C0:094C 06 00000000:00000000 03:00000DD5 00000000     0        0 0 3 0000000000000000
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:192B 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 0000000000000000FFFF00000B00A8C0:192B 0000000000000000FFFF00000C00A8C0:A1B2 01 00000000:00000000
   2: B80D0120000000000000000001000000:094B 00000000000000000000000000000000:0000 0A 00000000:00000000
`;

describe('the table of TCP sockets', () => {
  test('reads addresses, ports and states', () => {
    expect(parseTcpTable(TCP)).toEqual([
      {
        local: { address: '127.0.0.1', port: 2379 },
        remote: { address: '0.0.0.0', port: 0 },
        state: 'listen',
      },
      {
        local: { address: '192.168.0.11', port: 2379 },
        remote: { address: '192.168.0.12', port: 51254 },
        state: 'established',
      },
      {
        local: { address: '192.168.0.11', port: 50000 },
        remote: { address: '192.168.0.12', port: 2380 },
        state: 'other',
      },
    ]);
  });

  test('writes a mapped IPv4 address as IPv4, and IPv6 in its canonical form', () => {
    const [any, mapped, six] = parseTcpTable(TCP6);
    expect(any).toMatchObject({ local: { address: '::', port: 6443 }, state: 'listen' });
    expect(mapped).toMatchObject({ local: { address: '192.168.0.11' }, remote: { address: '192.168.0.12' } });
    expect(six?.local).toEqual({ address: '2001:db8::1', port: 2379 });
  });

  test('reads back any IPv4 address and port', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte, byte), fc.integer({ min: 0, max: 65_535 }), (address, port) => {
        const hex = Buffer.from(address.toReversed()).toString('hex').toUpperCase();
        const line = `  0: ${hex}:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
        expect(parseTcpTable(line)[0]?.local).toEqual({ address: address.join('.'), port });
      }),
    );
  });

  test('takes no rubbish for a socket', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseTcpTable(text))));
    expect(parseTcpTable('0: 0100007F00000000:094B 00000000:0000 0A')).toEqual([]);
  });
});

test.each([
  ['0.0.0.0', '10.0.0.1', true],
  ['::', '10.0.0.1', true],
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '0.0.0.0', true],
  ['127.0.0.1', '10.0.0.1', false],
])('a listener on %s answers who dials %s: %s', (listener, target, answers) => {
  expect(listensOn({ address: listener, port: 2379 }, { address: target, port: 2379 })).toBe(answers);
  expect(listensOn({ address: listener, port: 2380 }, { address: target, port: 2379 })).toBe(false);
});

const LOCKS = `1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF
1: -> FLOCK  ADVISORY  WRITE 99 fd:01:5678 0 EOF
2: OFDLCK ADVISORY  WRITE -1 103:02:777 0 EOF
3: POSIX  ADVISORY  READ  42 00:17:12345678901 128 128
`;

test('the table of locks names holders, not those who wait', () => {
  expect(parseLocks(LOCKS)).toEqual([
    { kind: 'FLOCK', access: 'WRITE', pid: 1234, file: { device: '253:1', inode: 5678n } },
    { kind: 'OFDLCK', access: 'WRITE', pid: undefined, file: { device: '259:2', inode: 777n } },
    { kind: 'POSIX', access: 'READ', pid: 42, file: { device: '0:23', inode: 12_345_678_901n } },
  ]);
});

test.each([
  [0xfd01n, '253:1'],
  [0x10302n, '259:2'],
  [0x17n, '0:23'],
  // A minor beyond eight bits lies above the major.
  [0x100802n, '8:258'],
])('device %s is %s', (device, text) => {
  expect(formatDevice(device)).toBe(text);
});

test('the table of mounts', () => {
  const text = `25 30 0:23 / /proc rw,nosuid shared:12 - proc proc rw
98 30 253:3 / /var/lib/etcd\\040data rw,relatime shared:50 master:1 - ext4 /dev/mapper/etcd rw
`;
  expect(parseMountinfo(text)).toEqual([
    { mountPoint: '/proc', device: '0:23', filesystem: 'proc' },
    { mountPoint: '/var/lib/etcd data', device: '253:3', filesystem: 'ext4' },
  ]);
});
