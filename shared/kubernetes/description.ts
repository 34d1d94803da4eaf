/*
 * What a stored message is made of, linked for reading. The tables in descriptions/ say it in Go's
 * own terms, because what the API server prints follows from them: order of fields, what is left
 * out when empty, and what is null.
 */

/** How one value travels and how it is printed. Numbers, as the reader's loop branches on them. */
export const Type = {
  string: 0,
  bool: 1,
  int32: 2,
  int64: 3,
  uint32: 4,
  uint64: 5,
  float64: 6,
  bytes: 7,
  message: 8,
  /** A message whose field 1 is a list, printed as the list. */
  items: 9,
  Time: 10,
  MicroTime: 11,
  Duration: 12,
  Quantity: 13,
  IntOrString: 14,
  /** RawExtension, FieldsV1, JSON: a message whose field 1 is a text of JSON. */
  raw: 15,
} as const;
export type Type = (typeof Type)[keyof typeof Type];

export const Shape = {
  single: 0,
  list: 1,
  map: 2,
  /** A message whose fields are printed among those of the one that has it. */
  inline: 3,
} as const;
export type Shape = (typeof Shape)[keyof typeof Shape];

export class Field {
  readonly number: number;
  readonly name: string;
  readonly type: Type;
  readonly shape: Shape;
  /** Left out where empty; a nilable one where it is absent. */
  readonly omitted: boolean;
  /** A pointer: zero and absent are two things. */
  readonly nilable: boolean;
  /** What a value of type `message` is made of. */
  message: Message | undefined = undefined;
  readonly #message: string;
  /** Place among the slots of its message. */
  slot = 0;

  constructor(line: string) {
    const [number = '', name = '', text = ''] = line.split(' ');
    const parsed = parseType(text);
    this.number = Number(number);
    this.omitted = name.endsWith('?');
    this.name = this.omitted ? name.slice(0, -1) : name;
    this.type = parsed.type;
    this.shape = name === '.' ? Shape.inline : parsed.shape;
    this.nilable = parsed.nilable;
    this.#message = parsed.message;
  }

  link(section: string, messages: ReadonlyMap<string, Message>): void {
    if (this.#message === '') return;
    const path = this.#message.includes('.') ? this.#message : `${section}.${this.#message}`;
    this.message = messages.get(path);
    if (this.message === undefined) throw new Error(`no description has ${path}`);
  }
}

const OBJECT_META = 'meta/v1.ObjectMeta';

/** Of apiextensions: a schema, or what may stand in its place. */
const ALTERNATIVES: Readonly<Record<string, Message['alternatives']>> = {
  JSONSchemaPropsOrBool: ({ Schema, Allows }) => Schema ?? Allows,
  JSONSchemaPropsOrArray: ({ Schema, JSONSchemas }) => JSONSchemas ?? Schema,
  JSONSchemaPropsOrStringArray: ({ Schema, Property }) => Property ?? Schema,
};

export class Message {
  /** "apps/v1.Deployment" */
  readonly path: string;
  readonly fields: readonly Field[];
  /** By number; what is missing is not described. */
  readonly byNumber: readonly (Field | undefined)[];
  /** In the order of printing, those of inlined messages in their place. Slot i is that of printed[i]. */
  printed: readonly Field[] = [];
  /** The slot of resourceVersion, where this is an object's metadata. */
  versionSlot: number | undefined = undefined;
  /** Where upstream prints one of the fields in the message's place. */
  readonly alternatives: ((object: Readonly<Record<string, unknown>>) => unknown) | undefined;

  constructor(path: string, fields: readonly Field[]) {
    this.path = path;
    this.fields = fields;
    this.alternatives = ALTERNATIVES[path.slice(path.indexOf('.') + 1)];
    const length = Math.max(0, ...fields.map(({ number }) => number)) + 1;
    const byNumber = Array.from({ length }, (): Field | undefined => undefined);
    for (const field of fields) byNumber[field.number] = field;
    this.byNumber = byNumber;
  }
}

/** All that the tables describe. Made once by who decodes; it takes some milliseconds. */
export class Descriptions {
  readonly #messages = new Map<string, Message>();
  /** By "apps/v1 Deployment". */
  readonly #kinds = new Map<string, Message>();

  constructor(tables: readonly string[]) {
    const laidOut = new Set<Message>();
    for (const table of tables) this.#read(table);
    for (const message of this.#messages.values()) {
      const [section = ''] = message.path.split('.');
      for (const field of message.fields) field.link(section, this.#messages);
    }
    for (const message of this.#messages.values()) layOut(message, laidOut);
  }

  kind(apiVersion: string, kind: string): Message | undefined {
    return this.#kinds.get(`${apiVersion} ${kind}`);
  }

  /** "apps/v1 Deployment", … */
  get kinds(): IterableIterator<string> {
    return this.#kinds.keys();
  }

  get objectMeta(): Message {
    return this.message(OBJECT_META);
  }

  /** By path. */
  message(path: string): Message {
    const message = this.#messages.get(path);
    if (message === undefined) throw new Error(`no description has ${path}`);
    return message;
  }

  #read(table: string): void {
    let section = '';
    let apiVersion = '';
    let name = '';
    let isKind = false;
    let fields: Field[] = [];
    const add = (): void => {
      if (name === '') return;
      const message = new Message(`${section}.${name}`, fields);
      this.#messages.set(message.path, message);
      if (isKind) this.#kinds.set(`${apiVersion} ${name}`, message);
    };
    for (const line of table.split('\n')) {
      if (line.startsWith(' ')) {
        fields.push(new Field(line.slice(1)));
        continue;
      }
      add();
      const [first = '', second = '', third = ''] = line.split(' ');
      if (first === '#') [section, apiVersion] = [second, third];
      name = first === '#' ? '' : first;
      isKind = second === 'kind';
      fields = [];
    }
    add();
  }
}

/** Gives each field its slot, those of inlined messages among the others. */
function layOut(message: Message, laidOut: Set<Message>): void {
  if (laidOut.has(message)) return;
  laidOut.add(message);
  const printed: Field[] = [];
  for (const field of message.fields) {
    field.slot = printed.length;
    if (field.shape !== Shape.inline || field.message === undefined) {
      printed.push(field);
      continue;
    }
    layOut(field.message, laidOut);
    printed.push(...field.message.printed);
  }
  message.printed = printed;
  if (message.path === OBJECT_META) {
    message.versionSlot = printed.findIndex(({ name }) => name === 'resourceVersion');
  }
}

const SCALARS = new Set<string>([
  'string',
  'bool',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'float64',
  'bytes',
  'Time',
  'MicroTime',
  'Duration',
  'Quantity',
  'IntOrString',
]);
const RAW = new Set(['RawExtension', 'FieldsV1', 'JSON']);

/** Go's notation: "*T", "[]T"; "map:T" has keys of text; "items[]string". */
function parseType(text: string): {
  readonly type: Type;
  readonly shape: Shape;
  readonly nilable: boolean;
  readonly message: string;
} {
  const nilable = text.startsWith('*');
  const bare = nilable ? text.slice(1) : text;
  const shape = bare.startsWith('[]') ? Shape.list : bare.startsWith('map:') ? Shape.map : Shape.single;
  const name = shape === Shape.list ? bare.slice(2) : shape === Shape.map ? bare.slice(4) : bare;
  if (SCALARS.has(name)) return { type: Type[name as keyof typeof Type], shape, nilable, message: '' };
  if (RAW.has(name)) return { type: Type.raw, shape, nilable, message: '' };
  if (name === 'items[]string') return { type: Type.items, shape, nilable, message: '' };
  return { type: Type.message, shape, nilable, message: name };
}
