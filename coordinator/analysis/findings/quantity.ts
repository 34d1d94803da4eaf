const QUANTITY = /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei|[eE][+-]?\d+)?$/;
const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  Ki: 2 ** 10,
  M: 1e6,
  Mi: 2 ** 20,
  G: 1e9,
  Gi: 2 ** 30,
  T: 1e12,
  Ti: 2 ** 40,
  P: 1e15,
  Pi: 2 ** 50,
  E: 1e18,
  Ei: 2 ** 60,
};

/** "500m", "2", "1Gi"; undefined where it is no quantity of Kubernetes. */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? QUANTITY.exec(value) : null;
  if (match === null) return undefined;
  const [, amount = '', unit = ''] = match;
  return Number(amount) * (unit === '' ? 1 : (UNITS[unit] ?? Number(`1${unit}`)));
}
