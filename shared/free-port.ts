import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what Linux gives to outgoing connections (32768 and up): one of those may come at any moment. */
const PORTS = { first: 15_000, beyond: 32_000 } as const;
const MAX_TRIES = 100;

/**
 * The first of `count` neighbouring ports that nobody listens on. It is not held: that another
 * program takes it before its user does is left to the odds of a random choice among 17,000.
 * Throws where none is found.
 */
export async function freePort(address = '127.0.0.1', count = 1): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const first = randomInt(PORTS.first, PORTS.beyond - count);
    if (await allFree(address, first, count)) return first;
  }
  throw new Error(`no ${count} free ports at ${address} in ${MAX_TRIES} tries`);
}

async function allFree(address: string, first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port++) {
    if (!(await isFree(address, port))) return false;
  }
  return true;
}

async function isFree(address: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
