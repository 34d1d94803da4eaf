import type { Clock } from '../runner/ports.ts';

export const systemClock: Clock = { nowMs: () => Date.now() };
