/** The part of systemd's unit language by which a service says what it runs. Pure; facts of systemd.syntax(7). */

export interface ServiceUnit {
  /** Program and arguments, variables not replaced yet. Empty where there is none. */
  readonly execStart: readonly string[];
  /** `NAME=value`, the later ones over the earlier. */
  readonly environment: ReadonlyMap<string, string>;
  readonly environmentFiles: readonly EnvironmentFile[];
  readonly user: string;
  readonly group: string;
  /** What keeps the command from being known; empty where nothing does. */
  readonly unknowable: string;
}

export interface EnvironmentFile {
  readonly path: string;
  /** `-` before the path: it need not be there. */
  readonly optional: boolean;
}

/**
 * One service from its file and its drop-ins, in their order: a later value replaces an earlier
 * one, lists grow, and an empty value empties a list.
 */
export function parseServiceUnit(texts: readonly string[]): ServiceUnit {
  const settings = new Map<string, string[]>();
  for (const text of texts) collect(text, settings);
  const all = (name: string): readonly string[] => settings.get(`Service.${name}`) ?? [];
  const commands = all('ExecStart');
  const command = commands.at(-1) ?? '';
  const [, prefix = '', rest = ''] = /^([@\-:+!|]*)(.*)$/su.exec(command) ?? [];
  const environment = all('Environment').flatMap(splitWords);
  return {
    execStart: splitWords(rest),
    environment: new Map(environment.map(assignment)),
    environmentFiles: all('EnvironmentFile').map((path) => ({
      path: path.replace(/^-/u, ''),
      optional: path.startsWith('-'),
    })),
    user: all('User').at(-1) ?? '',
    group: all('Group').at(-1) ?? '',
    unknowable: whyUnknowable(commands, prefix, [...environment, command, ...all('EnvironmentFile')]),
  };
}

/** An EnvironmentFile: lines of NAME=value, shell-like quotes, no expansion. */
export function parseEnvironmentFile(text: string): Map<string, string> {
  const lines = text
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'));
  return new Map(
    lines.flatMap((line) => {
      const [name, value] = assignment(line);
      return /^[A-Za-z_]\w*$/u.test(name) ? [[name, unquote(value)] as const] : [];
    }),
  );
}

/**
 * `$NAME` alone is as many words as its value has; `${NAME}` is its value within the word. What is
 * not set is nothing, as systemd has it.
 */
export function expandWords(
  words: readonly string[],
  environment: ReadonlyMap<string, string>,
): readonly string[] {
  return words.flatMap((word) => {
    const whole = /^\$(?<name>[A-Za-z_]\w*)$/u.exec(word)?.groups?.['name'];
    if (whole !== undefined) return splitWords(environment.get(whole) ?? '');
    return [
      word.replaceAll(/\$(?:\$|\{(?<name>[A-Za-z_]\w*)\})/gu, (match: string, name: string | undefined) =>
        name === undefined ? match.slice(1) : (environment.get(name) ?? ''),
      ),
    ];
  });
}

function collect(text: string, settings: Map<string, string[]>): void {
  let section = '';
  for (const line of joinLines(text)) {
    const header = /^\[(?<name>[^\]]+)\]$/u.exec(line)?.groups?.['name'];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const [name, value] = assignment(line);
    const key = `${section}.${name.trim()}`;
    const clean = value.trim();
    settings.set(key, clean === '' ? [] : [...(settings.get(key) ?? []), clean]);
  }
}

/** Lines that end with a backslash go on; comments between them do not count. */
function joinLines(text: string): string[] {
  const joined: string[] = [];
  let open = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line.startsWith('#') || line.startsWith(';')) continue;
    if (line.endsWith('\\')) {
      open += `${line.slice(0, -1)} `;
      continue;
    }
    if (open + line !== '') joined.push(open + line);
    open = '';
  }
  return open === '' ? joined : [...joined, open];
}

/** Words by spaces; quotes keep them together, a backslash takes the next character as it is. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+/gsu)].map(([word]) =>
    unquote(word),
  );
}

function unquote(word: string): string {
  return word.replaceAll(
    /"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>(?:[^'\\]|\\.)*)'|\\(?<escaped>.)/gsu,
    (_match: string, double: string | undefined, single: string | undefined, escaped: string | undefined) =>
      (double ?? single)?.replaceAll(/\\(.)/gsu, '$1') ?? escaped ?? '',
  );
}

function assignment(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

function whyUnknowable(commands: readonly string[], prefix: string, values: readonly string[]): string {
  if (commands.length === 0) return 'the unit has no ExecStart';
  if (commands.length > 1) return 'the unit has several ExecStart';
  if (prefix.includes('@')) return 'the unit gives etcd another name than its program’s (ExecStart=@)';
  // "%%" is a percent sign; any other says something that only systemd knows.
  if (values.some((value) => /%[^%]/u.test(value.replaceAll('%%', '')))) {
    return 'the unit has specifiers (%) in what it runs';
  }
  return '';
}
