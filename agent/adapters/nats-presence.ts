import type { Logger } from '@lockstep/shared/logging.ts';
import { NatsLink } from '@lockstep/shared/nats/connection.ts';
import { encodePresence, PRESENCE_EVERY_MS } from '@lockstep/shared/nats/presence.ts';
import { presenceSubject, subjectToken } from '@lockstep/shared/nats/subjects.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { VERSION } from '@lockstep/shared/version.ts';

export interface PresenceSettings {
  /** `tls` with real paths. */
  readonly config: { readonly nats: { readonly servers: readonly string[] }; readonly tls: TlsFiles };
  readonly cluster: string;
  readonly node: string;
  /** Where the coordinator reaches this agent. */
  readonly address: string;
  readonly ledgerId: string;
  readonly logger: Logger;
}

/**
 * Says on NATS, every second, that this agent is here and where. Nothing depends on it being
 * heard: it connects in the background and its loss changes nothing on this node.
 */
export function startPresence(settings: PresenceSettings): { close(): Promise<void> } {
  const { config, cluster, node, address, ledgerId, logger } = settings;
  const link = new NatsLink({
    servers: config.nats.servers,
    tls: config.tls,
    name: `lockstep-agent ${node}`,
    inboxPrefix: `lockstep.${cluster}.inbox.${subjectToken(node)}`,
    logger,
  });
  const subject = presenceSubject(cluster, node);
  const message = encodePresence({ node, address, ledgerId, version: VERSION });
  const announce = (): void => link.publish(subject, message);
  link.onChange((connected) => {
    logger.info({ connected }, 'NATS link');
    if (connected) announce();
  });
  const timer = setInterval(announce, PRESENCE_EVERY_MS).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await link.close();
    },
  };
}
