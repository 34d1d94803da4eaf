/** How much may be gathered. All in bytes before compression, but for the counts. */
export interface EvidenceLimits {
  readonly maxFileBytes: number;
  readonly maxCollectorBytes: number;
  readonly maxBytes: number;
  readonly maxFilesPerCollector: number;
  /** Names looked at by one collector: a directory may hold millions. */
  readonly maxNamesPerCollector: number;
  /** Of what is seen and not taken, over all collectors; beyond it they are counted alone. */
  readonly maxNotTaken: number;
  readonly maxCollectorMs: number;
}

/** What is left for one collector of what all have together. */
export class Budget {
  readonly limits: EvidenceLimits;
  #leftBytes: number;
  #leftFiles: number;
  #leftNames: number;

  constructor(limits: EvidenceLimits, leftOfAllBytes: number) {
    this.limits = limits;
    this.#leftBytes = Math.min(limits.maxCollectorBytes, leftOfAllBytes);
    this.#leftFiles = limits.maxFilesPerCollector;
    this.#leftNames = limits.maxNamesPerCollector;
  }

  /** How many bytes of a file of that size may be taken, and takes them; 0 of one that has some: none. */
  grant(sizeBytes: number): number {
    if (this.#leftFiles === 0) return 0;
    const granted = Math.min(sizeBytes, this.limits.maxFileBytes, this.#leftBytes);
    if (granted === 0 && sizeBytes > 0) return 0;
    this.#leftFiles -= 1;
    this.#leftBytes -= granted;
    return granted;
  }

  get hasFiles(): boolean {
    return this.#leftFiles > 0;
  }

  /** False once so many names were looked at that the collector has to end. */
  name(): boolean {
    this.#leftNames -= 1;
    return this.#leftNames >= 0;
  }
}
