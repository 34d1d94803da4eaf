/**
 * Between the plain JSON mapping of protobuf and Kubernetes' own JSON: times, quantities and numbers of
 * 64 bits are scalars there, and some messages are inlined in the one that holds them.
 */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const TIMES: ReadonlySet<string> = new Set([
  'acquireTime',
  'completionTime',
  'creationTimestamp',
  'deletionTimestamp',
  'firstTimestamp',
  'lastHeartbeatTime',
  'lastProbeTime',
  'lastTimestamp',
  'lastTransitionTime',
  'renewTime',
  'startTime',
  'startedAt',
  'time',
]);
/** Microseconds are kept in these. */
const MICRO_TIMES: ReadonlySet<string> = new Set(['acquireTime', 'renewTime']);
const QUANTITY_MAPS: ReadonlySet<string> = new Set(['allocatable', 'capacity', 'limits', 'requests']);
const LONG_NUMBERS: ReadonlySet<string> = new Set([
  'deletionGracePeriodSeconds',
  'generation',
  'observedGeneration',
  'runAsUser',
  'sizeBytes',
  'terminationGracePeriodSeconds',
  'tolerationSeconds',
]);
const INLINED: ReadonlySet<string> = new Set(['localObjectReference', 'volumeSource']);
/** Their keys are users' words, not field names. */
const USER_MAPS: ReadonlySet<string> = new Set([
  'annotations',
  'binaryData',
  'data',
  'labels',
  'matchLabels',
  'nodeSelector',
  'selector',
]);

/** Back again. What the descriptions do not name is kept here and lost by the encoder: compare. */
export function fromKubernetesJson(object: { [name: string]: Json }): { [name: string]: Json } {
  const plain: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(object)) {
    if (name === 'volumes' && Array.isArray(value)) plain[name] = value.map(volumeWithSource);
    else plain[name] = plainField(name, value);
  }
  return plain;
}

export function toKubernetesJson(message: unknown): { [name: string]: Json } {
  return convertObject(message as { [name: string]: Json });
}

function convertObject(object: { [name: string]: Json }): { [name: string]: Json } {
  const converted: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(object)) {
    const field = convertField(name, value);
    if (INLINED.has(name)) Object.assign(converted, field);
    else converted[name] = field;
  }
  return converted;
}

function convertField(name: string, value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => convertField(name, item));
  if (LONG_NUMBERS.has(name)) return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (TIMES.has(name)) return rfc3339(value, MICRO_TIMES.has(name));
  if (QUANTITY_MAPS.has(name))
    return mapValues(value, (quantity) => (quantity as { string?: string }).string ?? '0');
  if (name === 'targetPort') return intOrString(value);
  if (name === 'fieldsV1') return parseRaw(value);
  // A selector is either a user's map or a LabelSelector, whose only field is one.
  if (USER_MAPS.has(name)) return value;
  return convertObject(value);
}

function mapValues(
  object: { [name: string]: Json },
  convert: (value: Json) => Json,
): { [name: string]: Json } {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, convert(value)]));
}

function rfc3339(time: { [name: string]: Json }, micro: boolean): string {
  const seconds = new Date(Number(time['seconds'] ?? 0) * 1000).toISOString().slice(0, 19);
  const fraction = Math.floor(Number(time['nanos'] ?? 0) / 1000);
  return micro ? `${seconds}.${String(fraction).padStart(6, '0')}Z` : `${seconds}Z`;
}

function intOrString(value: { [name: string]: Json }): Json {
  return Number(value['type'] ?? 0) === 0 ? (value['intVal'] ?? 0) : (value['strVal'] ?? '');
}

function parseRaw(fields: { [name: string]: Json }): Json {
  const raw = fields['Raw'];
  return typeof raw === 'string' ? (JSON.parse(Buffer.from(raw, 'base64').toString('utf8')) as Json) : {};
}

function plainField(name: string, value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => plainField(name, item));
  if (TIMES.has(name) && typeof value === 'string') return secondsAndNanos(value);
  if (name === 'targetPort') {
    return typeof value === 'number' ? { type: 0, intVal: value } : { type: 1, strVal: value };
  }
  if (typeof value !== 'object' || value === null) return value;
  if (QUANTITY_MAPS.has(name)) return mapValues(value, (quantity) => ({ string: quantity }));
  if (name === 'fieldsV1') return { Raw: Buffer.from(JSON.stringify(value)).toString('base64') };
  return USER_MAPS.has(name) ? value : fromKubernetesJson(value);
}

function volumeWithSource(volume: Json): Json {
  if (typeof volume !== 'object' || volume === null || Array.isArray(volume)) return volume;
  const { name = '', configMap, ...rest } = volume;
  const source = fromKubernetesJson(rest);
  if (typeof configMap === 'object' && configMap !== null && !Array.isArray(configMap)) {
    const { name: configMapName = '', ...settings } = configMap;
    source['configMap'] = { localObjectReference: { name: configMapName }, ...settings };
  }
  return { name, volumeSource: source };
}

function secondsAndNanos(time: string): Json {
  const ms = Date.parse(time);
  const micros = Number(/\.(\d{1,6})/.exec(time)?.[1]?.padEnd(6, '0') ?? '0');
  return { seconds: String(Math.floor(ms / 1000)), nanos: micros * 1000 };
}
