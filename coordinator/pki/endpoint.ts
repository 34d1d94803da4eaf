import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** A program and where it is reached: "HOST" or "HOST:PORT". */
export interface Placed {
  readonly name: string;
  readonly address: string;
}

/** An address in its parts; `address` has both. */
export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly address: string;
}

/** Throws CONFIG_INVALID where the address is none. */
export function placed({ name, address }: Placed, defaultPort: number): Endpoint {
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(address);
  const port = Number(match?.[2] ?? defaultPort);
  if (match === null || port < 1 || port > 65_535) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `"${address}" of ${name} is no address; write HOST or HOST:PORT, an IPv6 host in brackets.`,
    });
  }
  const bracketed = match[1] as string;
  return { name, host: bracketed.replace(/^\[|\]$/g, ''), port, address: `${bracketed}:${port}` };
}
