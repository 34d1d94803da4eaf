import type { Json } from './every-field.ts';

export interface Mutation {
  readonly what: string;
  readonly value: Json;
}

/** Every way in which one thing of a JSON value can be another: changed, gone, twice, in another place, or new. */
export function* mutationsOf(value: Json, path = ''): Generator<Mutation, void, undefined> {
  const at = path === '' ? 'the whole' : path;
  if (typeof value === 'string') {
    yield { what: `${at} longer`, value: `${value}x` };
    yield { what: `${at} emptied`, value: '' };
    yield {
      what: `${at} in another case`,
      value: value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase(),
    };
    if (/^\d+$/.test(value)) yield { what: `${at} one more`, value: String(BigInt(value) + 1n) };
    yield { what: `${at} as a list`, value: [value] };
  } else if (typeof value === 'number') {
    yield { what: `${at} one more`, value: value + 1 };
    yield { what: `${at} zero`, value: 0 };
    yield { what: `${at} as text`, value: String(value) };
  } else if (typeof value === 'boolean') {
    yield { what: `${at} turned`, value: !value };
    yield { what: `${at} as text`, value: String(value) };
  } else if (Array.isArray(value)) {
    yield { what: `${at} emptied`, value: [] };
    yield { what: `${at} turned around`, value: [...value].reverse() };
    for (const [index, element] of value.entries()) {
      const others = (by: Json[]): Json[] => [...value.slice(0, index), ...by, ...value.slice(index + 1)];
      yield { what: `${at}[${index}] gone`, value: others([]) };
      yield { what: `${at}[${index}] twice`, value: others([element, element]) };
      for (const inner of mutationsOf(element, `${path}[${index}]`)) {
        yield { what: inner.what, value: others([inner.value]) };
      }
    }
  } else {
    yield { what: `${at} with a field that nobody knows`, value: { ...value, unknownToAll: 'new' } };
    yield { what: `${at} emptied`, value: {} };
    for (const [key, element] of Object.entries(value)) {
      const { [key]: _, ...rest } = value;
      const inside = path === '' ? key : `${path}.${key}`;
      yield { what: `${inside} gone`, value: rest };
      yield { what: `${inside} under another name`, value: { ...rest, [`${key}s`]: element } };
      for (const inner of mutationsOf(element, inside)) {
        yield { what: inner.what, value: { ...value, [key]: inner.value } };
      }
    }
  }
}
