import type { Logger } from '@lockstep/shared/logging.ts';

const silent = (): void => {};

/** Says nothing, and costs nothing: what the product logs is no part of what is checked here. */
export const NO_LOGGER = Object.freeze({
  level: 'silent',
  fatal: silent,
  error: silent,
  warn: silent,
  info: silent,
  debug: silent,
  trace: silent,
  silent,
  isLevelEnabled: () => false,
  child: () => NO_LOGGER,
}) as unknown as Logger;
