/** A port that no simulated operation uses: whoever asks it has found a way that was not meant. */
export const neverAsked = new Proxy(
  {},
  {
    get: (_target, method): (() => Promise<never>) => {
      return () => Promise.reject(new Error(`${String(method)} was asked of a port that nothing uses`));
    },
  },
) as never;
