import { type Command, Option } from 'commander';
import { parseDurationMs } from '../arguments.ts';
import type { CommonOptions } from './command.ts';
import { DEFAULT_RETRY_FOR_MS } from './defaults.ts';

export type Followed = CommonOptions & {
  readonly detach?: boolean;
  readonly retryFor: number;
  readonly reason?: string;
};

export function following(command: Command): Command {
  return retrying(command).option('--detach', 'do not follow it');
}

export function retrying(command: Command): Command {
  return command.addOption(
    new Option('--retry-for <time>', 'how long to wait for a coordinator that is away')
      .argParser(parseDurationMs)
      .default(DEFAULT_RETRY_FOR_MS, '2m'),
  );
}
