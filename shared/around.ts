/**
 * What may stand around a port: it is given the port's name and the port, and returns what is called
 * in its place. A program puts nothing there by itself; tests do.
 */
export type Around = <Port extends object>(name: string, port: Port) => Port;

export const nothingAround: Around = (_name, port) => port;
