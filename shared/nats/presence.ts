import { z } from 'zod';

/** How often an agent says that it is there. */
export const PRESENCE_EVERY_MS = 1_000;

const schema = z.object({
  node: z.string().min(1),
  /** "HOST:PORT" of the agent. A hint: who answers there must show the node's certificate. */
  address: z.string().min(1),
  ledgerId: z.string(),
  version: z.string(),
});

export type Presence = z.infer<typeof schema>;

export function encodePresence(presence: Presence): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(presence));
}

/** Throws where it is no presence. */
export function decodePresence(data: Uint8Array): Presence {
  return schema.parse(JSON.parse(new TextDecoder().decode(data)));
}
