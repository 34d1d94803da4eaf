import type { Leadership } from './ports.ts';

/** Without NATS nobody is elected: the one coordinator that there is acts unasked. */
export const alwaysLeads: Leadership = {
  leads: true,
  other: undefined,
  elected: false,
  silent: false,
  onChange: () => ({ [Symbol.dispose]: () => {} }),
  reaches: () => {},
};
