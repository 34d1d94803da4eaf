/** Tells a person what happens and why, in few words. Colour only where a terminal shows it. */
export class Narrator {
  private readonly write: (text: string) => void;
  private readonly colour: boolean;

  constructor(out: NodeJS.WriteStream) {
    this.write = (text) => void out.write(text);
    this.colour = out.isTTY && process.env['NO_COLOR'] === undefined;
  }

  title(text: string): void {
    this.write(`\n${this.paint(BOLD, text)}\n`);
  }

  /** A chapter: what happens now, and why. */
  chapter(text: string, why: string): void {
    this.write(`\n${this.paint(CYAN, '●')} ${this.paint(BOLD, text)}\n  ${this.paint(DIM, why)}\n`);
  }

  line(text: string, ms?: number): void {
    this.write(
      `  ${ms === undefined ? text : `${text.padEnd(TIME_COLUMN)} ${this.paint(DIM, seconds(ms))}`}\n`,
    );
  }

  /** What the product printed, as it printed it. */
  quote(text: string): void {
    const lines = text.trimEnd().split('\n');
    this.write(`${lines.map((line) => `  ${this.paint(DIM, '│')} ${line}`.trimEnd()).join('\n')}\n`);
  }

  proof(holds: boolean, text: string): void {
    this.write(`  ${holds ? this.paint(GREEN, '✓') : this.paint(RED, '✗')} ${text}\n`);
  }

  /** Durations beside each other. */
  bars(rows: readonly { readonly name: string; readonly ms: number; readonly note: string }[]): void {
    const longestMs = Math.max(...rows.map(({ ms }) => ms));
    const widest = Math.max(...rows.map(({ name }) => name.length));
    for (const { name, ms, note } of rows) {
      const bar = '█'.repeat(Math.max(1, Math.round((BAR_WIDTH * ms) / longestMs))).padEnd(BAR_WIDTH);
      this.write(
        `  ${name.padEnd(widest)}  ${this.paint(CYAN, bar)}  ${seconds(ms)}  ${this.paint(DIM, note)}\n`,
      );
    }
  }

  private paint(code: number, text: string): string {
    return this.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

const BOLD = 1;
const DIM = 2;
const RED = 31;
const GREEN = 32;
const CYAN = 36;
const TIME_COLUMN = 68;
const BAR_WIDTH = 24;

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(5)} s`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** 2,776 */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
