import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';

/**
 * Where in an object a rule looks: `spec.type`, `rules[*].verbs[*]`,
 * `metadata.annotations["kubernetes.io/config.mirror"]`. `[*]` is every element of a list or every
 * value of a map. Two words may stand at the start in place of a field, and mean the same in every
 * kind that makes pods: `podSpec`, and `containers`, which has the init and ephemeral ones too. A
 * lone `.` is the object or element itself.
 */
export interface Path {
  readonly source: string;
  readonly steps: readonly Step[];
}

type Step = { readonly name: string } | { readonly each: true };

export interface Place {
  /** "containers[xmrig].image": an element that has a name is called by it, so that places can be compared. */
  readonly field: string;
  readonly value: unknown;
}

const STEP = /\.?([A-Za-z_$][\w$-]*)|\[\*\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** Throws an Error that says where the path is none. */
export function parsePath(source: string): Path {
  const steps: Step[] = [];
  if (source === '.') return { source, steps };
  STEP.lastIndex = 0;
  while (STEP.lastIndex < source.length) {
    const from = STEP.lastIndex;
    const match = STEP.exec(source);
    if (match === null || (match[1] !== undefined && match[0].startsWith('.') !== steps.length > 0)) {
      throw new Error(`"${source}" is no path (at character ${from})`);
    }
    if (match[1] !== undefined) steps.push({ name: match[1] });
    else if (match[2] !== undefined) steps.push({ name: match[2].replace(/\\(.)/gu, '$1') });
    else steps.push({ each: true });
  }
  if (steps.length === 0) throw new Error('a path is empty');
  return { source, steps };
}

/** A whole object as the place that paths begin at. */
export function whole(object: unknown): Place {
  return { field: '', value: object };
}

/** Everything at the path that is there; null counts as absent, as it does to the API. */
export function placesAt(from: Place, { steps }: Path): Place[] {
  const [first, ...rest] = steps;
  const start =
    from.field === '' && first !== undefined && 'name' in first
      ? virtualRoot(from.value, first.name)
      : undefined;
  let here: readonly Place[] = [start ?? from];
  for (const step of start === undefined ? steps : rest) here = here.flatMap((place) => follow(place, step));
  return here.filter(({ value }) => value !== undefined && value !== null);
}

function follow({ field, value }: Place, step: Step): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('name' in step) {
    if (Array.isArray(value) || !Object.hasOwn(value, step.name)) return [];
    return [{ field: joined(field, step.name), value: (value as JsonObject)[step.name] }];
  }
  if (Array.isArray(value)) {
    return value.map((element, index) => {
      const name = textOf(at(element, 'name'));
      return { field: `${field}[${name === '' ? index : name}]`, value: element as unknown };
    });
  }
  return Object.entries(value).map(([name, element]) => ({
    field: joined(field, name),
    value: element as unknown,
  }));
}

function joined(field: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${field}["${name}"]`;
  return field === '' ? name : `${field}.${name}`;
}

function virtualRoot(object: unknown, name: string): Place | undefined {
  if (name === 'podSpec') return { field: 'podSpec', value: podSpecOf(object) };
  return name === 'containers' ? { field: 'containers', value: containersOf(podSpecOf(object)) } : undefined;
}

/** The pod's own, or what its controller makes pods from. */
export function podSpecOf(object: unknown): JsonObject | undefined {
  const spec = at(object, 'spec');
  const found =
    at(spec, 'jobTemplate', 'spec', 'template', 'spec') ??
    at(spec, 'template', 'spec') ??
    at(object, 'template', 'spec') ??
    (textOf(at(object, 'kind')) === 'Pod' ? spec : undefined);
  return typeof found === 'object' && found !== null ? (found as JsonObject) : undefined;
}

export function containersOf(podSpec: JsonObject | undefined): readonly unknown[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((name) => listOf(at(podSpec, name)));
}
