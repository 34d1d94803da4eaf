import type { Collector } from '../collector.ts';
import { takeTree } from '../take.ts';

/** What containers wrote; in `containers` kubelet keeps links to it, which are recorded as links. */
export const podLogs: Collector = {
  name: 'pod-logs',
  about: 'logs of pods: /var/log/pods, and the links to it in /var/log/containers',
  when: 'by-default',
  async *collect({ sources: { tree }, budget, signal }) {
    yield* takeTree({ tree, budget, signal }, '/var/log/pods');
    yield* takeTree({ tree, budget, signal }, '/var/log/containers');
  },
};
