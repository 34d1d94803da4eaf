import { defineConfig } from 'vitest/config';

/** Stores on a real S3 server, and what is kept by schedule and retention. */
const STORES = ['test/integration/stores/**/*.test.ts', 'test/e2e/keeping.test.ts'];
/** etcd on hosts of its own, and a snapshot of one cluster into another. */
const EXTERNAL = ['test/e2e/external-etcd.test.ts', 'test/e2e/another-place.test.ts'];

/** What a real kube-apiserver says to a copy of a snapshot. */
const SANDBOX = ['test/integration/sandbox/**/*.test.ts'];

/** One project per tier; each has its own npm script. Slower tiers run one file at a time. */
export default defineConfig({
  test: {
    // etcd3 names servers by their addresses, as kubeadm's certificates do; Node warns of that in every file.
    execArgv: ['--disable-warning=DEP0123'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{shared,coordinator,agent,test}/**/*.test.ts'],
          exclude: [
            'test/{integration,e2e,lost-nodes,sim,bench}/**',
            // What is beside the fault tests and pure is a unit.
            'test/faults/*.test.ts',
            '**/node_modules/**',
          ],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'sim',
          include: ['test/sim/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: [...STORES, ...SANDBOX],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait more than they work.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...STORES, ...EXTERNAL],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'stores',
          include: STORES,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'sandbox',
          include: SANDBOX,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'external',
          include: EXTERNAL,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'lost-nodes',
          include: ['test/lost-nodes/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
