import { parseArgs } from 'node:util';
import { Pod } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { sniff } from '@lockstep/shared/kubernetes/envelope.ts';
import { seal } from '../lab/api-server/envelope.ts';
import { clusterData } from './cluster-data.ts';
import { managedFieldsOfPod } from './snapshots/managed-fields.ts';
import { median } from './verdict.ts';

const USAGE = `Usage: node test/bench/decode.ts [--runs N] [--size MB] [-o json]

How fast stored values become objects, on one core: a cluster's, and pods with the managed fields that
controllers, scheduler and kubelet leave.

  --runs N    of each, in turns (5)
  --size MB   of values, each different (40)
  -o json     one JSON document on standard output
`;
const USAGE_ERROR = 2;
const MB = 1_000_000;
const LIMIT_MB_PER_SECOND = 100;

interface Corpus {
  readonly name: string;
  readonly values: readonly Buffer[];
  readonly sizeBytes: number;
}

function main(): number {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      size: { type: 'string', default: '40' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', default: false },
    },
  });
  const [runs, size] = [Number(values.runs), Number(values.size)];
  const isUsable = [runs, size].every((count) => Number.isInteger(count) && count >= 1);
  if (values.help || !isUsable || !['text', 'json'].includes(values.output)) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : USAGE_ERROR;
  }
  const corpora = [corpus('cluster', size * MB, false), corpus('pods', size * MB, true)];
  const speeds = new Map<string, number[]>(corpora.map(({ name }) => [name, []]));
  const decoder = new Decoder();
  for (let run = 1; run <= runs; run += 1) {
    for (const each of corpora) {
      speeds.get(each.name)?.push(each.sizeBytes / MB / (decodeAll(decoder, each) / 1000));
    }
  }
  const results = corpora.map(({ name, values: all, sizeBytes }) => ({
    name,
    values: all.length,
    sizeBytes,
    mbPerSecond: median(speeds.get(name) ?? []),
  }));
  const inWords = results.map(
    ({ name, values: count, sizeBytes, mbPerSecond }) =>
      `${mbPerSecond >= LIMIT_MB_PER_SECOND ? '✓' : '✗'} ${name}: ${mbPerSecond.toFixed(0)} MB/s (${count} values of ${Math.round(sizeBytes / count)} bytes)\n`,
  );
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(results)}\n` : inWords.join(''));
  return results.every(({ mbPerSecond }) => mbPerSecond >= LIMIT_MB_PER_SECOND) ? 0 : 1;
}

function corpus(name: string, sizeBytes: number, podsOnly: boolean): Corpus {
  const values: Buffer[] = [];
  let made = 0;
  const options = { caPem: 'PEM', controlPlane: [], kubernetesVersion: 'v1.31.0' };
  for (const { value } of clusterData(options)) {
    const each = podsOnly ? withManagedFields(value) : value;
    if (each === undefined) continue;
    values.push(each);
    made += each.length;
    if (made >= sizeBytes) break;
  }
  return { name, values, sizeBytes: made };
}

function withManagedFields(value: Buffer): Buffer | undefined {
  const envelope = sniff(value);
  if (envelope.form !== 'protobuf' || envelope.kind !== 'Pod') return undefined;
  const pod = Pod.decode(envelope.raw);
  if (pod.metadata !== undefined) pod.metadata.managedFields = managedFieldsOfPod(pod);
  return seal({ apiVersion: 'v1', kind: 'Pod', raw: Pod.encode(pod).finish() });
}

function decodeAll(decoder: Decoder, { values }: Corpus): number {
  let objects = 0;
  const start = process.cpuUsage();
  for (const value of values) {
    if (decoder.decode(value, { key: '/registry/pods/a/b', modRevision: 1 }).form === 'object') objects += 1;
  }
  // Of the processor and not of the clock: other work on this machine is not the decoder's.
  const { user, system } = process.cpuUsage(start);
  if (objects !== values.length) throw new Error(`${values.length - objects} values are no objects`);
  return (user + system) / 1000;
}

process.exitCode = main();
