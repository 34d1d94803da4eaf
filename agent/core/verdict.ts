import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';

/** Why the core refuses something: a code of the table, and what is true, with the figures. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly message: string;
}

export function refused(code: ErrorCode, message: string): Refused {
  return { kind: 'refused', code, message };
}
