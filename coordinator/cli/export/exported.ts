import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import type { ObjectDecoder } from '../../analysis/live.ts';
import type { NewDirectory } from './new-directory.ts';

/** What an export goes by. */
export interface ExportRequest {
  readonly evidence: Evidence;
  readonly decoder: ObjectDecoder;
  readonly directory: NewDirectory;
  readonly showSecrets: boolean;
  /** Without what a cluster assigns, and without what its controllers make. */
  readonly appliable: boolean;
  readonly all: boolean;
}

/** What was written, and how much was left out and why. */
export class Exported {
  objects = 0;
  readonly leftOut = new Map<string, number>();

  leaveOut(why: string): void {
    this.leftOut.set(why, (this.leftOut.get(why) ?? 0) + 1);
  }
}

export const LEFT_SECRETS = 'secrets, without --show-secrets';
