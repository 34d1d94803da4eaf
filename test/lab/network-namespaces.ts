import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { identify } from './processes.ts';

const run = promisify(execFile);

/** Where `ip netns` keeps its names. */
const NAMES = '/run/netns';
const PREFIX = 'lockstep-lab';
/** A link's name holds 15 characters. */
const bridgeOf = (number: number): string => `lslab${number}`;
const linkOf = (number: number, host: NamespaceHost): string => `lslab${number}p${lastPart(host.address)}`;
/** Of this machine on the lab's bridge: who runs the command line, and the tests. */
const MACHINE = 250;
/** Nobody's: frames sent there are lost without a word. */
const NOWHERE = '02:00:00:00:00:00';

export interface NamespaceHost {
  readonly name: string;
  readonly address: string;
}

/**
 * A network namespace for each host of a lab, joined by a bridge to each other and to this machine.
 * Their names carry the process that made them, so that what a crashed run left is known for what it
 * is. Needs root; all methods reject with what `ip` said.
 */
export class NetworkNamespaces implements AsyncDisposable {
  readonly #number: number;
  readonly #hosts: ReadonlyMap<string, NamespaceHost>;
  readonly #nameOf: (host: string) => string;

  private constructor(number: number, hosts: readonly NamespaceHost[], nameOf: (host: string) => string) {
    this.#number = number;
    this.#hosts = new Map(hosts.map((host) => [host.name, host]));
    this.#nameOf = nameOf;
  }

  static async make(number: number, hosts: readonly NamespaceHost[]): Promise<NetworkNamespaces> {
    await removeStaleNamespaces();
    const owner = identify(process.pid);
    const made = new NetworkNamespaces(
      number,
      hosts,
      (host) => `${PREFIX}.${number}.${process.pid}.${owner?.startTime ?? ''}.${host}`,
    );
    try {
      await made.#build();
      return made;
    } catch (error) {
      await made.remove();
      throw error;
    }
  }

  /** Those of a lab that another process brought up. */
  static find(number: number, hosts: readonly NamespaceHost[]): NetworkNamespaces {
    const names = namespaces().filter((each) => each.number === number);
    return new NetworkNamespaces(
      number,
      hosts,
      (host) => names.find((each) => each.host === host)?.name ?? `${PREFIX}.${number}.0.0.${host}`,
    );
  }

  /** Put before a command, it runs on the host; it keeps its process. */
  enter(host: string): string[] {
    return ['nsenter', `--net=${NAMES}/${this.#nameOf(host)}`];
  }

  /** Pulls the host's cable: nobody hears it, it hears nobody, and its own address stays its own. */
  async cut(host: string): Promise<void> {
    await ip('link', 'set', linkOf(this.#number, this.#host(host)), 'down');
  }

  async join(host: string): Promise<void> {
    await ip('link', 'set', linkOf(this.#number, this.#host(host)), 'up');
  }

  /** From now on what `from` sends to `to` is lost without a word; what comes back arrives. */
  async lose(from: string, to: string): Promise<void> {
    const { address } = this.#host(to);
    await this.#on(from, 'neigh', 'replace', address, 'lladdr', NOWHERE, 'nud', 'permanent', 'dev', 'eth0');
  }

  async deliver(from: string, to: string): Promise<void> {
    await this.#on(from, 'neigh', 'del', this.#host(to).address, 'dev', 'eth0');
  }

  /** Nothing passes between the two; both reach everybody else. */
  async part(one: string, other: string): Promise<void> {
    await this.lose(one, other);
    await this.lose(other, one);
  }

  async reunite(one: string, other: string): Promise<void> {
    await this.deliver(one, other);
    await this.deliver(other, one);
  }

  /** Of this machine: the bridge and one link for each host. */
  async links(): Promise<string[]> {
    return linksOf(this.#number);
  }

  /** Processes in them must have ended. Never rejects: what is left is removed at the next start. */
  async remove(): Promise<void> {
    await removeNetwork(
      this.#number,
      [...this.#hosts.keys()].map((host) => this.#nameOf(host)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  async #build(): Promise<void> {
    const bridge = bridgeOf(this.#number);
    const hosts = [...this.#hosts.values()];
    // A namespace first: a bridge without one would be nobody's to find.
    for (const { name } of hosts) await ip('netns', 'add', this.#nameOf(name));
    await ip('link', 'add', bridge, 'type', 'bridge');
    const [first] = hosts;
    if (first === undefined) return;
    await ip('address', 'add', `${networkOf(first.address)}.${MACHINE}/24`, 'dev', bridge);
    await ip('link', 'set', bridge, 'up');
    for (const host of hosts) {
      const link = linkOf(this.#number, host);
      await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#nameOf(host.name));
      await ip('link', 'set', link, 'master', bridge, 'up');
      await this.#on(host.name, 'address', 'add', `${host.address}/24`, 'dev', 'eth0');
      await this.#on(host.name, 'link', 'set', 'lo', 'up');
      await this.#on(host.name, 'link', 'set', 'eth0', 'up');
    }
  }

  async #on(host: string, ...args: readonly string[]): Promise<void> {
    await ip('-netns', this.#nameOf(host), ...args);
  }

  #host(name: string): NamespaceHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  }
}

/** True where this process may make namespaces and links; nothing of it stays. */
export async function canMakeNamespaces(): Promise<boolean> {
  const probe = `${PREFIX}-probe.${process.pid}`;
  try {
    await ip('netns', 'add', probe);
  } catch {
    return false;
  }
  try {
    await ip('-netns', probe, 'link', 'add', 'probe', 'type', 'bridge');
    await run('nsenter', [`--net=${NAMES}/${probe}`, 'true']);
    return true;
  } catch {
    return false;
  } finally {
    await ip('netns', 'del', probe);
  }
}

/** Numbers of the networks that are there, whoever made them. */
export function namespacedNetworks(): Set<number> {
  return new Set(namespaces().map(({ number }) => number));
}

async function removeStaleNamespaces(): Promise<void> {
  const stale = namespaces().filter(({ pid, startTime }) => identify(pid)?.startTime !== startTime);
  for (const number of new Set(stale.map((each) => each.number))) {
    await removeNetwork(
      number,
      stale.filter((each) => each.number === number).map(({ name }) => name),
    );
  }
}

/** The links would end with their namespaces, but only some time after. */
async function removeNetwork(number: number, names: readonly string[]): Promise<void> {
  for (const link of await linksOf(number)) await ip('link', 'del', link).catch(() => {});
  for (const name of names) await ip('netns', 'del', name).catch(() => {});
}

/** The bridge last. */
async function linksOf(number: number): Promise<string[]> {
  const bridge = bridgeOf(number);
  const { stdout } = await run('ip', ['-o', 'link', 'show']).catch(() => ({ stdout: '' }));
  const names = [...stdout.matchAll(/^\d+: (\w+)[@:]/gm)].map((match) => match[1] ?? '');
  return [
    ...names.filter((name) => name.startsWith(`${bridge}p`)),
    ...names.filter((name) => name === bridge),
  ];
}

function namespaces(): {
  name: string;
  number: number;
  pid: number;
  startTime: string;
  host: string;
}[] {
  let names: string[];
  try {
    names = readdirSync(NAMES);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const [prefix, number, pid, startTime = '', ...host] = name.split('.');
    if (prefix !== PREFIX) return [];
    return [{ name, number: Number(number), pid: Number(pid), startTime, host: host.join('.') }];
  });
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', [...args]);
}

function networkOf(address: string): string {
  return address.slice(0, address.lastIndexOf('.'));
}

function lastPart(address: string): string {
  return address.slice(address.lastIndexOf('.') + 1);
}
