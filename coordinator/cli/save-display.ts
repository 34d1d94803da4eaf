import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Invocation } from './invocation.ts';
import { clean, clip } from './render/layout.ts';
import { bytes } from './render/units.ts';

const ERASE_LINE = '\r\u001b[K';

export interface SaveDisplay extends Disposable {
  show(progress: NodeProgress): void;
}

/** One line that moves, on a terminal; silence elsewhere, for the answer is what counts. */
export function saveDisplay({ terminal, output, layout }: Invocation): SaveDisplay {
  const live = terminal.interactive && (output === 'table' || output === 'wide');
  let shown = false;
  return {
    show: ({ node, step, doneBytes, totalBytes }) => {
      if (!live) return;
      const figures = totalBytes === 0n ? bytes(doneBytes) : `${bytes(doneBytes)} of ${bytes(totalBytes)}`;
      terminal.out(
        ERASE_LINE + clip(layout, clean(layout, `${node}: ${step}  ${figures}`), layout.width - 1),
      );
      shown = true;
    },
    [Symbol.dispose]: () => {
      if (shown) terminal.out(ERASE_LINE);
      shown = false;
    },
  };
}
