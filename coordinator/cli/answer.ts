import type { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { EXIT, type ExitCode, exitOfError, outcomeOfExit } from './exit-codes.ts';
import { oneLine, plain, printable } from './plain.ts';
import type { Layout } from './render/layout.ts';

export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What a command found or did, before it is written in a format. */
export interface Answer {
  /** The fields of the JSON answer beside `outcome`, `code` and `operationId`. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly render: (layout: Layout) => readonly string[];
  /** `-o name`: what can be given to the next command. */
  readonly names?: readonly string[];
  /** Instead of all of these, where the answer is too long to be held: it writes itself, piece by piece. */
  readonly write?: (out: (text: string) => void, output: OutputFormat, layout: Layout) => void;
  readonly exit?: ExitCode;
  readonly outcome?: string;
  readonly code?: string;
  readonly operationId?: string;
}

/** One JSON document; the three fields that a script decides by come first and are always there. */
export function jsonOf(answer: Answer): Record<string, unknown> {
  const exit = answer.exit ?? EXIT.done;
  return {
    outcome: answer.outcome ?? outcomeOfExit(exit),
    code: answer.code ?? (exit === EXIT.done ? 'OK' : ''),
    operationId: answer.operationId ?? '',
    ...(plain(answer.data) as Record<string, unknown>),
  };
}

export async function format(answer: Answer, output: OutputFormat, layout: Layout): Promise<string> {
  switch (output) {
    case 'json':
      return `${printable(JSON.stringify(jsonOf(answer), null, 2))}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return printable(stringify(jsonOf(answer), { lineWidth: 0 }));
    }
    case 'name':
      return (answer.names ?? []).map((name) => `${oneLine(name)}\n`).join('');
    default:
      return answer
        .render(layout)
        .map((line) => `${line}\n`)
        .join('');
  }
}

/** An error as a JSON answer. */
export function jsonOfError(error: LockstepError, operationId = ''): Record<string, unknown> {
  const { code, node, message, cure, causes } = toFailure(error);
  return { outcome: outcomeOfExit(exitOfError(error.code)), code, operationId, node, message, cure, causes };
}
