import { parseArgs } from 'node:util';
import { asLockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { fetchTools } from './fetch.ts';

const USAGE = `Usage: npm run tools [-- --all | --stores | --apiserver]

Puts the etcd and nats-server that the lab runs into .tools/, where they are not at hand already.
Nothing is installed on the machine.

  --all   one of each supported etcd minor: 3.4, 3.5, 3.6, 3.7 (the newer ones are built with Go),
          and what --stores brings
  --stores  an S3 server (built with Go) and age, for the tests of stores
  --apiserver  a kube-apiserver (built with Go, ten minutes and more), for the tests of sandboxes
`;

/** Longest that all of it may take: four builds on a slow machine. */
const TIMEOUT_MS = 40 * 60_000;

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    stores: { type: 'boolean', default: false },
    apiserver: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
} else {
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const { all, stores, apiserver } = values;
    await fetchTools({ all, stores, apiserver, say }, AbortSignal.timeout(TIMEOUT_MS));
  } catch (thrown) {
    const { code, message } = asLockstepError(thrown);
    process.stderr.write(`${code}: ${message}\n`);
    process.exitCode = 1;
  }
}
