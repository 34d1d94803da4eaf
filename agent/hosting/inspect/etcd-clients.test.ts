import { expect, test } from 'vitest';

import type { TcpSocket } from '../../adapters/proc-tables.ts';
import { foreignClients } from './etcd-clients.ts';

const LISTENERS = [
  { address: '127.0.0.1', port: 2379 },
  { address: '192.0.2.11', port: 2379 },
];
const socket = (
  local: string,
  remote: string,
  localPort = 2379,
  state: TcpSocket['state'] = 'established',
): TcpSocket => ({
  local: { address: local, port: localPort },
  remote: { address: remote, port: 51_234 },
  state,
});

test('clients are those on the client listeners that are neither own nor known', () => {
  const sockets = [
    socket('127.0.0.1', '127.0.0.1'),
    socket('192.0.2.11', '192.0.2.11'),
    socket('192.0.2.11', '192.0.2.12'),
    socket('192.0.2.11', '192.0.2.70'),
    socket('192.0.2.11', '2001:db8::70'),
    socket('192.0.2.11', '192.0.2.71', 2380),
    socket('192.0.2.11', '192.0.2.72', 2379, 'other'),
  ];
  expect(foreignClients(sockets, LISTENERS, ['127.0.0.1', '192.0.2.12'])).toEqual([
    '192.0.2.70:51234',
    '[2001:db8::70]:51234',
  ]);
});
