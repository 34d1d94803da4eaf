/** Who a certificate speaks for: a URI subject alternative name, `lockstep://CLUSTER/ROLE/NAME`. */
export type Role = 'coordinator' | 'agent' | 'operator';

export interface Identity {
  readonly cluster: string;
  readonly role: Role;
  /** The node of an agent, the name of a coordinator or an operator. */
  readonly name: string;
}

const PATTERN =
  /^lockstep:\/\/([a-z0-9][a-z0-9.-]{0,62})\/(coordinator|agent|operator)\/([A-Za-z0-9][A-Za-z0-9._@-]{0,127})$/;

export function identityUri(identity: Identity): string {
  return `lockstep://${identity.cluster}/${identity.role}/${identity.name}`;
}

export function parseIdentityUri(uri: string): Identity | undefined {
  const match = PATTERN.exec(uri);
  if (match === null) return undefined;
  return { cluster: match[1] as string, role: match[2] as Role, name: match[3] as string };
}

/** The files of one identity. `keyFile` is 0600. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}
