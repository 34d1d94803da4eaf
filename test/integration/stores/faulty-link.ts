import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'up' | 'down';

export interface Fault {
  readonly direction: Direction;
  /** Of all connections together, in that direction. */
  readonly afterBytes: number;
  readonly kind: 'cut' | 'stall' | 'flip';
  /** How many connections it hits before the link is well again. */
  readonly times: number;
}

/** A TCP link to a server that breaks, halts or alters what passes, at a byte that the test chooses. */
export class FaultyLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fault: Fault | undefined;
  #left = 0;
  #passed: Record<Direction, number> = { up: 0, down: 0 };

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, '127.0.0.1')));
  }

  static async to(targetPort: number): Promise<FaultyLink> {
    const link = new FaultyLink(targetPort);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  breakAt(fault: Fault): void {
    this.#fault = fault;
    this.#left = fault.times;
    this.#passed = { up: 0, down: 0 };
  }

  /** How often the fault has struck. */
  get struck(): number {
    return (this.#fault?.times ?? 0) - this.#left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (bytes) => this.#pass('up', bytes, client, server));
    server.on('data', (bytes) => this.#pass('down', bytes, server, client));
  }

  #pass(direction: Direction, bytes: Buffer, from: Socket, to: Socket): void {
    const before = this.#passed[direction];
    this.#passed[direction] += bytes.length;
    const fault = this.#fault;
    const strikes =
      fault !== undefined &&
      this.#left > 0 &&
      fault.direction === direction &&
      before + bytes.length > fault.afterBytes;
    if (strikes) {
      this.#left -= 1;
      this.#passed[direction] = 0;
      if (fault.kind === 'cut') {
        from.destroy();
        to.destroy();
        return;
      }
      if (fault.kind === 'stall') {
        from.removeAllListeners('data').pause();
        return;
      }
      const at = bytes.length - 1;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    }
    if (!to.write(bytes)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  }
}
