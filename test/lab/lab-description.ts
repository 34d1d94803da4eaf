import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const processSchema = z.object({ pid: z.number().int(), startTime: z.string() });

/** What a host runs: kubeadm's control plane with its member beside it, or one of the two. */
const roleSchema = z.enum(['all', 'etcd', 'control-plane']);
export type LabRole = z.infer<typeof roleSchema>;

const schema = z.object({
  /** What every process of the lab carries in its environment. */
  id: z.string(),
  clusterName: z.string(),
  networkNumber: z.number().int(),
  network: z.enum(['loopback', 'namespaces']),
  nodes: z.array(z.object({ name: z.string(), address: z.string(), role: roleSchema.default('all') })),
  etcd: z.object({ version: z.string(), etcd: z.string(), etcdctl: z.string(), etcdutl: z.string() }),
  natsServer: z.string(),
  natsServers: z.number().int(),
  coordinators: z.number().int(),
  kubernetesVersion: z.string(),
  lockstep: z.boolean(),
  encrypted: z.boolean(),
  failpoints: z.boolean(),
  processes: z.record(z.string(), processSchema),
});

/** What a lab is, in `lab.json`: enough to find it again from another process, and to end it. */
export type LabDescription = z.infer<typeof schema>;

const FILE = 'lab.json';

/** Throws where the directory is no lab. */
export function readDescription(directory: string): LabDescription {
  return schema.parse(JSON.parse(readFileSync(join(directory, FILE), 'utf8')));
}

export async function writeDescription(directory: string, description: LabDescription): Promise<void> {
  await writeFile(join(directory, FILE), `${JSON.stringify(description, undefined, 2)}\n`);
}
