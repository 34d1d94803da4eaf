/** Where the agent of a host keeps its snapshots, as `deploy` installs it. */
export const SNAPSHOT_DIRECTORY = '/var/lib/lockstep/snapshots';
/** For the clients of a store that was restored for analysis; its peers have the next one. */
export const DEFAULT_CLIENT_PORT = 23790;
/** A coordinator that is gone is given this long to come back, or a standby to take over. */
export const DEFAULT_RETRY_FOR_MS = 120_000;
