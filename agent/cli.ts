#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { nothingAround } from '@lockstep/shared/around.ts';
import { asLockstepError, fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { assemble, ledgerPath, localPorts } from './assembly.ts';
import { ledgerJson, ledgerLines, statusLines } from './cli/show.ts';
import { observeTruth, truthLines } from './cli/truth.ts';
import { type AgentConfig, DEFAULT_CONFIG_PATH, readConfig } from './config.ts';
import { ProgressSlot } from './executor/step-stream.ts';
import { Ledger } from './ledger/ledger.ts';
import type { OperationRecord } from './ledger/records.ts';

const HELP = `lockstep-agent: what this node remembers, and OLD brought back by hand.
Needs no coordinator and no certificate; run it as root on the node.

  lockstep-agent status --local                 how the latest operation stands, and what is true now
  lockstep-agent ledger --local [OPERATION]     every record of an operation
  lockstep-agent undo --local --confirm NODE    bring OLD back on this node

  --config PATH     the agent's configuration (${DEFAULT_CONFIG_PATH})
  --only stop|start only the one half of undo: first stop NEW on every node, then start OLD on each
  -o json           status and ledger as JSON
`;

const OBSERVE_TIMEOUT_MS = 15_000;
const UNDO_STEP_TIMEOUT_MS = 180_000;

/** As the operator's command line has them (docs: exit codes). */
const EXIT = { done: 0, internal: 1, usage: 2, needsOperator: 4, refused: 5 } as const;

interface Invocation {
  readonly config: AgentConfig;
  readonly operationId: string | undefined;
  readonly confirm: string | undefined;
  readonly only: string | undefined;
  readonly json: boolean;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      local: { type: 'boolean', default: false },
      config: { type: 'string', default: DEFAULT_CONFIG_PATH },
      confirm: { type: 'string' },
      only: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, operationId] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return values.help ? EXIT.done : EXIT.usage;
  }
  if (!values.local) throw usage('Say --local: these commands act on this node alone.');
  const invocation: Invocation = {
    config: await readConfig(values.config),
    operationId,
    confirm: values.confirm,
    only: values.only,
    json: values.output === 'json',
  };
  switch (command) {
    case 'status':
      return status(invocation);
    case 'ledger':
      return showLedger(invocation);
    case 'undo':
      return undo(invocation);
    default:
      throw usage(`There is no command ${command}.`);
  }
}

async function status({ config, json }: Invocation): Promise<number> {
  using reading = openToRead(config);
  const { ledger } = reading;
  const operation = ledger.openOperation() ?? ledger.latestOperation();
  const truth = operation === undefined ? undefined : await truthOf(config, ledger, operation);
  if (json) print(JSON.stringify({ ...ledgerJson(ledger, operation), truth: truth ?? null }, bigintText, 2));
  else
    print(
      [...statusLines(ledger, operation), ...(truth === undefined ? [] : ['', ...truthLines(truth)])].join(
        '\n',
      ),
    );
  return EXIT.done;
}

async function showLedger({ config, operationId, json }: Invocation): Promise<number> {
  using reading = openToRead(config);
  const { ledger } = reading;
  const operation =
    operationId === undefined
      ? (ledger.openOperation() ?? ledger.latestOperation())
      : ledger.operation(operationId);
  if (json) print(JSON.stringify(ledgerJson(ledger, operation), bigintText, 2));
  else if (operation === undefined) print('The ledger holds no such operation.');
  else print(ledgerLines(ledger, operation).join('\n'));
  return EXIT.done;
}

async function undo({ config, confirm, only }: Invocation): Promise<number> {
  if (confirm !== config.node) {
    throw new LockstepError('CONFIRMATION_MISMATCH', {
      message: `This node is ${config.node}: say --confirm ${config.node}.`,
    });
  }
  if (only !== undefined && only !== 'stop' && only !== 'start') throw usage('--only takes stop or start.');
  const agent = await assemble(config, {
    logger: createLogger('lockstep-agent', 'warn'),
    environment: process.env,
    around: nothingAround,
    lockPatienceMs: 0,
  }).catch((error: unknown) => {
    if (!(error instanceof LockstepError) || error.code !== 'EXECUTOR_BUSY') throw error;
    throw new LockstepError('EXECUTOR_BUSY', {
      message: 'The agent is running and holds this node. Stop it first: systemctl stop lockstep-agent.',
      cause: error,
    });
  });
  try {
    for (const step of stepsOf(only)) {
      const signal = AbortSignal.timeout(UNDO_STEP_TIMEOUT_MS);
      const result = await agent.executor.undoLocally(
        step,
        'local:root',
        new ProgressSlot(agent.ports.clock),
        signal,
      );
      if (result.failure !== undefined) throw fromFailure(result.failure);
    }
    const operation = agent.ledger.openOperation() ?? agent.ledger.latestOperation();
    const truth = operation === undefined ? undefined : await truthOf(config, agent.ledger, operation);
    print(truth === undefined ? 'Nothing is known of this node.' : truthLines(truth).join('\n'));
    print('This is true of this node alone: OLD serves once a quorum of its members is back.');
    return EXIT.done;
  } finally {
    agent.close();
  }
}

function stepsOf(only: 'stop' | 'start' | undefined) {
  const both = [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START] as const;
  if (only === undefined) return both;
  return only === 'stop' ? [both[0]] : [both[1]];
}

async function truthOf(config: AgentConfig, ledger: Ledger, operation: OperationRecord) {
  const local = localPorts(config);
  const { hosting, stores } = local;
  try {
    const signal = AbortSignal.timeout(OBSERVE_TIMEOUT_MS);
    return await observeTruth({ ledger, hosting, stores, stateDir: config.stateDir }, operation, signal);
  } finally {
    local.close();
  }
}

function openToRead(config: AgentConfig): { ledger: Ledger } & Disposable {
  const ledger = Ledger.openToRead(ledgerPath(config));
  return { ledger, [Symbol.dispose]: () => ledger.close() };
}

function usage(message: string): LockstepError {
  return new LockstepError('USAGE', { message });
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What was refused left everything as it was; what failed on the way wants a person. */
function exitCodeOf({ code }: LockstepError): number {
  switch (code) {
    case 'USAGE':
    case 'CONFIG_INVALID':
    case 'CONFIRMATION_MISMATCH':
      return EXIT.usage;
    case 'ALREADY_COMMITTED':
    case 'ALREADY_UNDONE':
    case 'EXECUTOR_BUSY':
    case 'OPERATION_NOT_FOUND':
    case 'STEP_OUT_OF_ORDER':
    case 'LEDGER_STRANGER':
      return EXIT.refused;
    case 'INTERNAL':
    case 'LEDGER_UNREADABLE':
      return EXIT.internal;
    default:
      return EXIT.needsOperator;
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const parseFailed =
    thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
  const error = parseFailed ? usage(thrown.message) : asLockstepError(thrown);
  process.stderr.write(`${error.code}: ${error.message}\n${error.cure}\n`);
  process.exitCode = exitCodeOf(error);
}
