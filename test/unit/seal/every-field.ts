import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Json = string | number | boolean | Json[] | { [key: string]: Json };

const PROTOS = ['common', 'snapshot'].map((name) =>
  join(import.meta.dirname, `../../../proto/lockstep/v1/${name}.proto`),
);

interface Field {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
}

/**
 * A message with every field that the contract has, none of them at its default, made from the
 * contract's own text: a field that is added is in it the same day. Repeated ones have two elements.
 */
export function everyField(message: string): { [key: string]: Json } {
  const proto = PROTOS.map((path) => readFileSync(path, 'utf8')).join('\n');
  const messages = messagesOf(proto);
  const enums = lastOfEachEnum(proto);
  let counter = 0;
  const valueOf = (type: string): Json => {
    counter += 1;
    switch (type) {
      case 'string':
        return `value-${counter}`;
      case 'bytes':
        return Buffer.from(`bytes ${counter}`).toString('base64');
      case 'bool':
        return true;
      case 'uint32':
      case 'int32':
        return counter;
      case 'uint64':
      case 'int64':
        return String(counter);
      default:
        return nestedOf(type);
    }
  };
  const nestedOf = (type: string): Json => enums.get(type) ?? objectOf(type);
  const objectOf = (type: string): { [key: string]: Json } => {
    const fields = messages.get(type);
    if (fields === undefined) throw new Error(`${type} is neither a type known here nor a message`);
    return Object.fromEntries(
      fields.map((field) => [
        camelCase(field.name),
        field.repeated ? [valueOf(field.type), valueOf(field.type)] : valueOf(field.type),
      ]),
    );
  };
  return objectOf(message);
}

function lastOfEachEnum(proto: string): Map<string, string> {
  const enums = [...proto.replace(/\/\/.*$/gm, '').matchAll(/^enum (\w+) \{([^}]*)\}/gm)];
  return new Map(
    enums.map(([, name = '', body = '']) => [name, [...body.matchAll(/(\w+) = \d+;/g)].at(-1)?.[1] ?? '']),
  );
}

function messagesOf(proto: string): Map<string, Field[]> {
  const text = proto.replace(/\/\/.*$/gm, '');
  const messages = [...text.matchAll(/^message (\w+) \{([^}]*)\}/gm)];
  return new Map(
    messages.map(([, name, body]) => [
      name ?? '',
      [...(body ?? '').matchAll(/^\s*(repeated )?([\w.]+) (\w+) = \d+;/gm)].map((field) => ({
        repeated: field[1] !== undefined,
        type: (field[2] ?? '').replace('lockstep.v1.', ''),
        name: field[3] ?? '',
      })),
    ]),
  );
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
