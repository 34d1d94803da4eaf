/** A container runtime with its own files and socket, which a test may kill. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly socket: string;
  /** Runs until it is told to stop, or is killed. */
  readonly image: string;
  readonly podLogDirectory: string;
  /** SIGKILL, and started again; resolves when it answers. */
  killAndRestart(): Promise<void>;
}
