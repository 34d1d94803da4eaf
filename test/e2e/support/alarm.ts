import { readFileSync } from 'node:fs';
import { Client } from '@grpc/grpc-js';
import { etcdChannel } from '@lockstep/shared/etcd/channel.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  MaintenanceService,
} from '@lockstep/shared/generated/etcd/etcdserverpb/rpc.ts';
import type { LabNode } from '../../lab/lab-node.ts';

/** Raises NOSPACE through raft, as a member does that has reached its quota. etcdctl has no word for it. */
export async function raiseNoSpace(node: LabNode, memberId: bigint): Promise<void> {
  const pki = node.path('/etc/kubernetes/pki/etcd');
  const { target, credentials, options } = etcdChannel({
    url: `https://${node.address}:2379`,
    tls: {
      ca: readFileSync(`${pki}/ca.crt`),
      cert: readFileSync(`${pki}/healthcheck-client.crt`),
      key: readFileSync(`${pki}/healthcheck-client.key`),
    },
  });
  const client = new Client(target, credentials, options);
  const { path, requestSerialize, responseDeserialize } = MaintenanceService.alarm;
  try {
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { action: AlarmRequest_AlarmAction.ACTIVATE, memberID: memberId, alarm: AlarmType.NOSPACE },
        (error) => (error === null ? resolve() : reject(error)),
      );
    });
  } finally {
    client.close();
  }
}
