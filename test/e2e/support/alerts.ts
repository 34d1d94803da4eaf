import { join } from 'node:path';
import { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { eventsSubject } from '@lockstep/shared/nats/subjects.ts';
import { natsTlsOptions } from '@lockstep/shared/tls/nats-server.ts';
import { connect } from 'nats';
import type { Lab } from '../../lab/lab.ts';

export interface Notice {
  readonly subject: string;
  readonly code: string;
  readonly message: string;
}

/** What a person who listens on the lab's NATS is told: notices of one kind of work, or of all. */
export class Alerts implements AsyncDisposable {
  readonly notices: Notice[] = [];
  readonly #close: () => Promise<void>;

  private constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  /** As operator bob, with his own certificate, on a connection beside the product's. */
  static async listen(lab: Lab, of: string): Promise<Alerts> {
    const [address = ''] = lab.natsAddresses;
    const from = join(lab.directory, 'pki/operators/bob');
    const tls = {
      caFile: join(from, 'ca.crt'),
      certFile: join(from, 'tls.crt'),
      keyFile: join(from, 'tls.key'),
    };
    const connection = await connect({ servers: `tls://${address}:4222`, tls: natsTlsOptions(tls) });
    const alerts = new Alerts(() => connection.close());
    connection.subscribe(eventsSubject(lab.clusterName, of), {
      callback: (_error, { subject, data }) => {
        const { event } = OperationEvent.fromJSON(JSON.parse(new TextDecoder().decode(data)));
        if (event?.$case === 'notice') alerts.notices.push({ subject, ...event.value });
      },
    });
    await connection.flush();
    return alerts;
  }

  /** Forgets what was heard so far. */
  clear(): void {
    this.notices.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
