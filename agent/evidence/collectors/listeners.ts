import type { Collector } from '../collector.ts';

/** Who listens on the node, and which process that is. */
export const listeners: Collector = {
  name: 'listeners',
  about: 'ports that are listened on, with the processes that do',
  when: 'always',
  async *collect({ sources: { sockets }, signal }) {
    const found = sockets.listeners();
    const owners = await sockets.ownersOf(new Set(found.map(({ inode }) => inode)), signal);
    yield {
      is: 'account',
      name: 'listeners.json',
      content: found
        .toSorted((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol))
        .map((listener) => ({ ...listener, processes: owners.get(listener.inode) ?? [] })),
    };
  },
};
