import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { MAX_CLOCK_SKEW_MS } from '../limits.ts';
import type { Check } from './check.ts';

/** The nodes' clocks agree to within 10 s. The one that is off is the one farthest from the middle. */
export const checkClock: Check = ({ nodes }) => {
  const offsets = nodes
    .flatMap(({ node, report, askedMs }) =>
      report === undefined ? [] : [{ node, offsetMs: Number(report.clockMs) - askedMs }],
    )
    .sort((a, b) => a.offsetMs - b.offsetMs);
  const low = offsets[0];
  const high = offsets.at(-1);
  if (low === undefined || high === undefined) return [];
  const apartMs = high.offsetMs - low.offsetMs;
  if (apartMs <= MAX_CLOCK_SKEW_MS) return [];
  const middleMs = offsets[Math.floor(offsets.length / 2)]?.offsetMs ?? 0;
  const off = high.offsetMs - middleMs > middleMs - low.offsetMs ? high : low;
  const words = `the clocks of ${low.node} and ${high.node} are ${(apartMs / 1000).toFixed(1)} s apart; ${off.node} is off`;
  return [refusal('CLOCK_SKEW', words, off.node)];
};
