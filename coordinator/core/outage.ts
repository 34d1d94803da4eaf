/** What each part of downtime took in the lab and in the field, to tell a person what to expect. */
const STOP_MS = 1500;
const EXCHANGE_MS = 200;
const ELECTION_MS = 2000;
const NEXT_MEMBER_MS = 700;
const API_SERVER_MS = 4000;

/** From the fence to the first write through the clients' address: an estimate, not a promise. */
export function expectedOutageMs(members: number, inTurn: boolean): number {
  const start = inTurn ? ELECTION_MS + (members - 1) * NEXT_MEMBER_MS : ELECTION_MS;
  return STOP_MS + EXCHANGE_MS + start + API_SERVER_MS;
}
