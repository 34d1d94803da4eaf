import { Container, PodSandbox } from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import type { Collector } from '../collector.ts';

const NANOSECONDS_PER_MS = 1_000_000n;

/** What the container runtime runs and ran, ended containers too. */
export const containers: Collector = {
  name: 'containers',
  about: 'the container runtime’s own list of pods and containers',
  when: 'always',
  async *collect({ sources: { runtime }, signal }) {
    const [version, found] = await Promise.all([runtime.version(signal), runtime.everything(signal)]);
    yield {
      is: 'account',
      name: 'containers.json',
      content: {
        runtime: version,
        sandboxes: found.sandboxes.map((each) => ({
          ...(PodSandbox.toJSON(each) as object),
          createdAt: instantOf(each.createdAt),
        })),
        containers: found.containers.map((each) => ({
          ...(Container.toJSON(each) as object),
          createdAt: instantOf(each.createdAt),
        })),
      },
    };
  },
};

function instantOf(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / NANOSECONDS_PER_MS));
  return Number.isNaN(date.getTime()) ? `${nanoseconds} ns` : date.toISOString();
}
