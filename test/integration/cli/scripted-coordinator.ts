import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NODE_STATUSES, NOW_MS, PLAN, REPORT, STORED } from '@lockstep/coordinator/cli/golden/fixtures.ts';
import { ENTRIES } from '@lockstep/coordinator/cli/golden/keeping.ts';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import { LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Failure, Outcome, Phase, type Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import {
  GetOperationResponse,
  ListNodesResponse,
  ListOperationsResponse,
  Operation,
  OperatorServiceService,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { streamHandler, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { type RunningServer, startServer } from '@lockstep/shared/transport/server.ts';
import { VERSION } from '@lockstep/shared/version.ts';

export const CLUSTER = 'prod';

/**
 * The operator's service with a script for an operation, served as the coordinator serves it: what
 * the command line makes of answers is under test here, not how they come about.
 */
export class ScriptedCoordinator {
  readonly directory: string;
  refusals: Refusal[] = [];
  runRefusals: Refusal[] = [];
  outcome: Outcome = Outcome.OUTCOME_RESTORED;
  failure: Failure | undefined;
  /** Events of the operation so far; a watcher is sent these and each one that is added. */
  events: OperationEvent[] = [];
  ended = false;
  readonly asked: string[] = [];
  #server: RunningServer | undefined;
  #address = '';

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async start(directory: string): Promise<ScriptedCoordinator> {
    const coordinator = new ScriptedCoordinator(directory);
    await coordinator.#init('127.0.0.1:7444');
    await coordinator.serve();
    // The port is known now: the operator's configuration names it.
    await coordinator.#init(coordinator.#address, join(directory, 'pki'));
    return coordinator;
  }

  get address(): string {
    return this.#address;
  }

  get configFile(): string {
    return join(this.directory, 'pki', 'config.yaml');
  }

  async #init(coordinatorAddress: string, outDir = join(this.directory, 'pki')): Promise<void> {
    await rm(join(outDir, 'config.yaml'), { force: true });
    await initPki({
      cluster: CLUSTER,
      outDir,
      agents: [{ name: 'cp1', address: '127.0.0.1' }],
      coordinators: [{ name: 'bastion', address: coordinatorAddress }],
      operators: ['ada'],
      nowMs: Date.now(),
    });
  }

  async serve(): Promise<void> {
    const identity = join(this.directory, 'pki', 'coordinators', 'bastion');
    this.#server = await startServer({
      listen: this.#address || '127.0.0.1:0',
      tls: {
        caFile: join(identity, 'ca.crt'),
        certFile: join(identity, 'tls.crt'),
        keyFile: join(identity, 'tls.key'),
      },
      cluster: CLUSTER,
      policy: Object.fromEntries(
        Object.values(OperatorServiceService).map(({ path }) => [path, ['operator']]),
      ),
      services: [{ definition: OperatorServiceService, implementation: this.#implementation() }],
      logger: createLogger('test', 'silent'),
    });
    this.#address = this.#server.address;
  }

  async stop(): Promise<void> {
    await this.#server?.close(0);
    this.#server = undefined;
  }

  /** Adds events as the operation makes them; with the last one it ends. */
  play(events: readonly OperationEvent[]): void {
    this.events.push(...events);
    if (events.at(-1)?.event?.$case === 'operationEnded') this.ended = true;
  }

  get #operation(): Operation {
    return Operation.fromPartial({
      operationId: PLAN.operationId,
      cluster: CLUSTER,
      requestedBy: 'ada',
      startedMs: BigInt(NOW_MS),
      endedMs: this.ended ? BigInt(NOW_MS + 16_800) : 0n,
      phase: this.ended ? Phase.PHASE_REPORT : Phase.PHASE_BUILD,
      outcome: this.ended ? this.outcome : Outcome.OUTCOME_UNSPECIFIED,
      failure: this.failure,
      nodes: [{ node: 'cp1', phase: Phase.PHASE_BUILD }],
    });
  }

  #note<Request, Response>(name: string, answer: (request: Request) => Response) {
    return unaryHandler(async (request: Request) => {
      this.asked.push(name);
      return answer(request);
    });
  }

  #implementation() {
    const events = (): OperationEvent[] => this.events;
    const ended = (): boolean => this.ended;
    const plan = { ...PLAN, expiresMs: BigInt(Date.now() + 900_000) };
    return {
      getVersion: this.#note('getVersion', () => ({
        version: VERSION,
        coordinatorId: 'bastion',
        cluster: CLUSTER,
        nats: 'not configured',
        leads: true,
        leader: 'bastion',
        leaderAddress: '',
      })),
      listNodes: this.#note('listNodes', () => ListNodesResponse.create({ nodes: NODE_STATUSES })),
      saveSnapshot: streamHandler(async function* () {
        yield { event: { $case: 'snapshot' as const, value: STORED[0] as never } };
      }),
      getCatalogue: this.#note('getCatalogue', () => ({ entries: [...ENTRIES], failures: [] })),
      listSchedules: this.#note('listSchedules', () => ({ schedules: [], retention: '' })),
      listSnapshots: this.#note('listSnapshots', () => ({ snapshots: STORED, failures: [] })),
      verifySnapshot: this.#note('verifySnapshot', () => ({
        verdicts: [
          { node: 'cp2', facts: undefined, refusals: [refusal('SNAPSHOT_CORRUPT', 'Page 7 is no page.')] },
        ],
      })),
      planRestore: this.#note('planRestore', () => ({
        plan,
        planSha256: 'ab',
        refusals: this.refusals,
        warnings: [],
      })),
      runRestore: this.#note('runRestore', ({ confirmCluster }: { confirmCluster: string }) => ({
        refusals:
          confirmCluster === CLUSTER
            ? this.runRefusals
            : [refusal('CONFIRMATION_MISMATCH', `The plan is for ${CLUSTER}, not ${confirmCluster}.`)],
      })),
      listOperations: this.#note('listOperations', () =>
        ListOperationsResponse.create({ operations: [this.#operation] }),
      ),
      getOperation: this.#note('getOperation', ({ operationId }: { operationId: string }) => {
        if (operationId !== '' && operationId !== PLAN.operationId) {
          throw new LockstepError('OPERATION_NOT_FOUND', { message: `No operation ${operationId}.` });
        }
        return GetOperationResponse.create({
          operation: this.#operation,
          plan,
          planSha256: 'ab',
          ...(this.ended ? { report: REPORT } : {}),
        });
      }),
      watchOperation: streamHandler(async function* (_request: unknown, { signal }) {
        for (let sent = 0; ; ) {
          for (; sent < events().length; sent += 1) yield { event: events()[sent] as OperationEvent };
          if (ended()) return;
          await delay(20, undefined, { signal });
        }
      }),
      abortOperation: this.#note('abortOperation', () => ({ operation: this.#operation })),
      resumeOperation: this.#note('resumeOperation', () => ({ operation: this.#operation })),
    };
  }
}
