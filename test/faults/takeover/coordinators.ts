import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { parse, stringify } from 'yaml';
import { type Said, saidBy } from '../../e2e/support/cluster.ts';
import type { BackgroundProgram } from '../../lab/background-program.ts';
import type { Lab } from '../../lab/lab.ts';
import type { Ended } from '../../lab/programs.ts';

/** Events of one operation are numbered from here on within each epoch. */
const SEQUENCES_PER_EPOCH = 1_000_000n;

interface JournaledEvent {
  readonly sequence: bigint;
  readonly atMs: number;
  readonly notice: string;
}

export type CutOffFrom = 'everything' | 'the agents' | 'NATS';

/** One of a lab's coordinators, with a way to ask it alone and ways to cut it off. */
export class LabCoordinator {
  readonly index: number;
  readonly name: string;
  readonly program: BackgroundProgram;
  readonly #lab: Lab;
  #cutOffFrom: CutOffFrom | undefined;

  private constructor(lab: Lab, index: number) {
    this.#lab = lab;
    this.index = index;
    this.program = lab.coordinators[index] as BackgroundProgram;
    this.name = this.program.name;
  }

  static async allOf(lab: Lab): Promise<LabCoordinator[]> {
    for (const index of lab.coordinators.keys()) await writeConfigOfOne(lab, index);
    return lab.coordinators.map((_, index) => new LabCoordinator(lab, index));
  }

  /** The command line with this coordinator as the only one. */
  async ask(...args: string[]): Promise<Ended> {
    const env = { LOCKSTEP_CONFIG: configOfOne(this.#lab, this.index) };
    return this.#lab.lockstep([...args, '-o', 'json'], { env, timeoutMs: 60_000 });
  }

  async standing(): Promise<{ leads: boolean; leader: string } | undefined> {
    const ended = await this.ask('version');
    return ended.exitCode === 0 ? (saidBy(ended) as Said & { leads: boolean; leader: string }) : undefined;
  }

  /** Packets are lost without a word. Only in a lab of network namespaces. */
  async cutOff(from: CutOffFrom): Promise<void> {
    this.#cutOffFrom = from;
    const { namespaces } = this.#lab;
    if (from === 'everything') await namespaces.cut(this.name);
    for (const host of this.#hostsOf(from)) await namespaces.part(this.name, host);
  }

  async rejoin(): Promise<void> {
    const from = this.#cutOffFrom;
    this.#cutOffFrom = undefined;
    if (from === undefined) return;
    const { namespaces } = this.#lab;
    if (from === 'everything') await namespaces.join(this.name);
    for (const host of this.#hostsOf(from)) await namespaces.reunite(this.name, host);
  }

  get stateDirectory(): string {
    return join(this.#lab.coordinatorDirectory(this.index), 'state');
  }

  #hostsOf(from: CutOffFrom): string[] {
    if (from === 'the agents') return this.#lab.nodes.map(({ name }) => name);
    return from === 'NATS' ? this.#lab.natsServers.map(({ name }) => name) : [];
  }

  /** When it last decided to take the operation over; undefined where it never did. */
  tookOverMs(operationId: string): number | undefined {
    const lines = readFileSync(this.program.logFile, 'utf8').split('\n');
    const line = lines.findLast((each) => each.includes('taking over') && each.includes(operationId));
    return line === undefined ? undefined : new Date((JSON.parse(line) as { time: string }).time).getTime();
  }

  /** What this coordinator itself did and saw of an operation; empty where it took no part. */
  journal(operationId: string): JournaledEvent[] {
    let text: string;
    try {
      text = readFileSync(join(this.stateDirectory, 'operations', `${operationId}.jsonl`), 'utf8');
    } catch {
      return [];
    }
    return text.split('\n').flatMap((line): JournaledEvent[] => {
      if (line === '') return [];
      const { event } = JSON.parse(line) as {
        event?: { sequence: string; atMs: string; notice?: { code: string } };
      };
      if (event === undefined) return [];
      return [
        {
          sequence: BigInt(event.sequence),
          atMs: Number(event.atMs),
          notice: event.notice?.code ?? '',
        },
      ];
    });
  }
}

/** The epoch under which an event was published. */
export function epochOf({ sequence }: JournaledEvent): bigint {
  return sequence / SEQUENCES_PER_EPOCH;
}

/** Waits until one leads and every coordinator that runs says so. */
export async function untilOneLeads(coordinators: readonly LabCoordinator[]): Promise<LabCoordinator> {
  let leader: LabCoordinator | undefined;
  await waitFor(
    {
      describe: () => 'one coordinator leads and the others know',
      async check() {
        const standings = await Promise.all(coordinators.map((each) => each.standing()));
        leader = coordinators.find((_, index) => standings[index]?.leads === true);
        return leader !== undefined && standings.every((each) => each?.leader === leader?.name);
      },
    },
    250,
    deadline(180_000),
  );
  return leader as LabCoordinator;
}

function configOfOne(lab: Lab, index: number): string {
  return join(lab.directory, `pki/only-${index + 1}.yaml`);
}

async function writeConfigOfOne(lab: Lab, index: number): Promise<void> {
  const config = parse(await readFile(lab.commandLineConfig, 'utf8')) as {
    contexts: Record<string, unknown>[];
  };
  const contexts = config.contexts.map(({ standbys: _none, ...context }) => ({
    ...context,
    coordinator: lab.coordinatorAddresses[index],
  }));
  await writeFile(configOfOne(lab, index), stringify({ ...config, contexts }));
}
