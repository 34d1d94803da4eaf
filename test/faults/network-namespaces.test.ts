import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMakeNamespaces, NetworkNamespaces } from '../lab/network-namespaces.ts';

const run = promisify(execFile);
/** Beyond those that labs draw. */
const NUMBER = 251;
const CRASHED = 252;
const HOSTS = ['cp1', 'cp2', 'cp3'].map((name, index) => ({
  name,
  address: `10.213.${NUMBER}.${index + 1}`,
}));
const KNOCK_PORT = 1;
const KNOCK_SECONDS = 1;

const namesOf = (number: number): string[] =>
  readdirSync('/run/netns').filter((name) => name.startsWith(`lockstep-lab.${number}.`));

/** The network under the faults: what is cut is cut, and nothing of it outlives its lab for long. */
describe.skipIf(!(await canMakeNamespaces()))('network namespaces (needs root, ip and nsenter)', () => {
  let network: NetworkNamespaces;
  beforeEach(async () => {
    network = await NetworkNamespaces.make(NUMBER, HOSTS);
  });
  afterEach(async () => network.remove());

  /** A TCP connection refused shows that packets go there and back; nothing listens. */
  async function reaches(from: string, to: string): Promise<boolean> {
    const { address = '' } = HOSTS.find(({ name }) => name === to) ?? {};
    const [program = '', ...words] = network.enter(from);
    const knock = `timeout ${KNOCK_SECONDS} bash -c 'exec 3<>/dev/tcp/${address}/${KNOCK_PORT}'`;
    const said = await run(program, [...words, 'bash', '-c', `${knock} 2>&1; true`]);
    return said.stdout.includes('refused');
  }

  async function reached(): Promise<string[]> {
    const pairs = HOSTS.flatMap(({ name }) =>
      HOSTS.filter((to) => to.name !== name).map((to) => [name, to.name] as const),
    );
    const found: string[] = [];
    for (const [from, to] of pairs) if (await reaches(from, to)) found.push(`${from}-${to}`);
    return found;
  }
  const ALL = ['cp1-cp2', 'cp1-cp3', 'cp2-cp1', 'cp2-cp3', 'cp3-cp1', 'cp3-cp2'];

  it('join all hosts, cut one off, part two, and join them again', async () => {
    expect(await reached()).toEqual(ALL);
    await network.cut('cp2');
    expect(await reached()).toEqual(['cp1-cp3', 'cp3-cp1']);
    await network.join('cp2');
    await network.part('cp1', 'cp2');
    expect(await reached()).toEqual(['cp1-cp3', 'cp2-cp3', 'cp3-cp1', 'cp3-cp2']);
    await network.reunite('cp1', 'cp2');
    expect(await reached()).toEqual(ALL);
  });

  it('go with their lab, and those of a crashed run with the next one', async () => {
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { NetworkNamespaces } = await import(${JSON.stringify(import.meta.resolve('../lab/network-namespaces.ts'))});
         await NetworkNamespaces.make(${CRASHED}, [{ name: 'cp1', address: '10.213.${CRASHED}.1' }]);
         console.log('made');
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [said] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    expect(said).toBe('made');
    await network.remove();
    expect(namesOf(NUMBER)).toEqual([]);
    expect(await network.links()).toEqual([]);
    expect(namesOf(CRASHED)).toHaveLength(1);

    child.kill('SIGKILL');
    await once(child, 'close');
    network = await NetworkNamespaces.make(NUMBER, HOSTS);
    expect(namesOf(CRASHED)).toEqual([]);
    expect(await NetworkNamespaces.find(CRASHED, []).links()).toEqual([]);
  });
});
