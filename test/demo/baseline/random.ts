/** A seeded source of names, numbers and text: the same seed makes the same cluster, byte for byte. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 32 bits (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + (this.next() % (most - least + 1));
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.next() % choices.length] ?? choices[0];
  }

  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.next().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }

  uuid(): string {
    const digits = this.hex(32);
    return [8, 13, 18, 23]
      .reduce((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, digits)
      .slice(0, 36);
  }

  /** As names of pods end: five letters of the alphabet that Kubernetes generates from. */
  suffix(): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
    return Array.from({ length: 5 }, () => alphabet[this.next() % alphabet.length]).join('');
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.hex(length * 2), 'hex');
  }

  /** Lines as configuration has them: words, numbers, some of it alike and some not. */
  configuration(sizeBytes: number): string {
    const lines: string[] = [];
    for (let size = 0; size < sizeBytes; ) {
      const line = `${this.pick(WORDS)}.${this.pick(WORDS)}.${this.pick(WORDS)} = ${this.pick(VALUES)(this)}`;
      lines.push(line);
      size += line.length + 1;
    }
    return lines.join('\n').slice(0, sizeBytes);
  }
}

const WORDS = [
  'cache',
  'client',
  'cluster',
  'connection',
  'database',
  'endpoint',
  'feature',
  'listener',
  'logging',
  'metrics',
  'pool',
  'queue',
  'retry',
  'router',
  'session',
  'storage',
  'timeout',
  'tracing',
  'upstream',
  'worker',
] as const satisfies readonly [string, ...string[]];

const VALUES = [
  (random: Random) => String(random.integer(1, 65_535)),
  (random: Random) => `"${random.hex(16)}"`,
  (random: Random) => (random.integer(0, 1) === 0 ? 'false' : 'true'),
  (random: Random) => `${random.integer(1, 900)}s`,
  (random: Random) =>
    `https://${random.pick(WORDS)}-${random.integer(1, 99)}.internal.example:${random.integer(1024, 9999)}/`,
] as const satisfies readonly [(random: Random) => string, ...((random: Random) => string)[]];
