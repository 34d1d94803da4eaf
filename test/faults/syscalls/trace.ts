import { posix } from 'node:path';

/**
 * What a program asked of its disk, read from the output of `strace -f -yy`. A call that others
 * overtook has two edges: what it does may be there from its beginning and counts only at its end.
 */
export type Action =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string }
  /** Owner or mode set. */
  | { readonly kind: 'attribute'; readonly path: string }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'sync-everything' }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'exchange'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  /** Bytes to a socket; `local` is this program's end, `127.0.0.1:7443`. */
  | { readonly kind: 'send'; readonly local: string }
  | { readonly kind: 'run'; readonly words: readonly string[] };

export interface Edge {
  /** Of the trace, counted from 1. */
  readonly line: number;
  readonly edge: 'begin' | 'end' | 'failed';
  /** The same for all edges of a call. */
  readonly call: number;
  readonly actions: readonly Action[];
}

/** Calls to ask strace for. */
export const TRACED = [
  'open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range',
  'fsync,fdatasync,syncfs,sync,rename,renameat,renameat2,link,linkat,symlink,symlinkat',
  'unlink,unlinkat,rmdir,mkdir,mkdirat,truncate,ftruncate,fallocate',
  'chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,execve',
].join(',');

const LINE = /^(\d+)\s+(.*)$/;
const UNFINISHED = /^(\w+)\((.*) <unfinished \.\.\.>$/;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/;
const WHOLE = /^(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)$/;

interface Begun {
  readonly call: number;
  readonly name: string;
  readonly head: string;
  readonly actions: readonly Action[];
}

/** The edges of the calls that matter, in the order of the trace. Lines about signals and exits are skipped. */
export function parseTrace(text: string): Edge[] {
  const edges: Edge[] = [];
  const begun = new Map<string, Begun>();
  let calls = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const [, thread = '', rest = ''] = LINE.exec(raw) ?? [];
    const unfinished = UNFINISHED.exec(rest);
    if (unfinished !== null) {
      const [, name = '', head = ''] = unfinished;
      const actions = actionsOf(name, head);
      const call = ++calls;
      begun.set(thread, { call, name, head, actions });
      if (actions.length > 0) edges.push({ line, edge: 'begin', call, actions });
      continue;
    }
    const resumed = RESUMED.exec(rest);
    if (resumed !== null) {
      const first = begun.get(thread);
      begun.delete(thread);
      if (first === undefined) continue;
      const whole = WHOLE.exec(`${first.name}(${first.head}${resumed[2] ?? ''}`);
      // What stands after the cut may be what names the file: then the call counts from here.
      const actions = first.actions.length > 0 ? first.actions : actionsOf(first.name, whole?.[2] ?? '');
      if (actions.length === 0) continue;
      const { call } = first;
      if (first.actions.length === 0) edges.push({ line, edge: 'begin', call, actions });
      edges.push({ line, edge: failed(whole?.[3]) ? 'failed' : 'end', call, actions });
      continue;
    }
    const whole = WHOLE.exec(rest);
    if (whole === null) continue;
    const actions = actionsOf(whole[1] ?? '', whole[2] ?? '');
    if (actions.length === 0) continue;
    const call = ++calls;
    edges.push({ line, edge: 'begin', call, actions });
    edges.push({ line, edge: failed(whole[3]) ? 'failed' : 'end', call, actions });
  }
  return edges;
}

function failed(result: string | undefined): boolean {
  return result === undefined || result === '?' || result.startsWith('-');
}

function actionsOf(name: string, args: string): readonly Action[] {
  const words = wordsOf(args);
  const fd = (at: number): string => words[at]?.file ?? '';
  switch (name) {
    case 'open':
    case 'creat':
    case 'openat': {
      const at = name === 'openat' ? 1 : 0;
      const path = pathAt(words, at);
      const flags = name === 'creat' ? 'O_CREAT|O_TRUNC' : (words[at + 1]?.text ?? '');
      const actions: Action[] = [];
      if (flags.includes('O_CREAT')) actions.push({ kind: 'create', path });
      if (flags.includes('O_TRUNC')) actions.push({ kind: 'write', path });
      return actions;
    }
    case 'write':
    case 'writev':
    case 'sendto':
    case 'sendmsg':
    case 'pwrite64':
    case 'pwritev':
    case 'pwritev2':
    case 'ftruncate':
    case 'fallocate':
    case 'sendfile':
      return written(fd(0));
    case 'copy_file_range':
      return written(fd(2));
    case 'truncate':
      return [{ kind: 'write', path: pathAt(words, 0) }];
    case 'fchmod':
    case 'fchown':
      return fd(0).startsWith('/') ? [{ kind: 'attribute', path: fd(0) }] : [];
    case 'chmod':
    case 'chown':
    case 'lchown':
      return [{ kind: 'attribute', path: pathAt(words, 0) }];
    case 'fchmodat':
    case 'fchownat':
      return [{ kind: 'attribute', path: pathAt(words, 1) }];
    case 'fsync':
    case 'fdatasync':
      return fd(0) === '' ? [] : [{ kind: 'sync', path: fd(0) }];
    case 'syncfs':
    case 'sync':
      return [{ kind: 'sync-everything' }];
    case 'rename':
      return [{ kind: 'rename', from: pathAt(words, 0), to: pathAt(words, 1) }];
    case 'renameat':
    case 'renameat2': {
      const kind = args.includes('RENAME_EXCHANGE') ? 'exchange' : 'rename';
      return [{ kind, from: pathAt(words, 1), to: pathAt(words, 3) }];
    }
    case 'link':
    case 'symlink':
      return [{ kind: 'create', path: pathAt(words, 1) }];
    case 'linkat':
      return [{ kind: 'create', path: pathAt(words, 3) }];
    case 'symlinkat':
      return [{ kind: 'create', path: pathAt(words, 2) }];
    case 'mkdir':
      return [{ kind: 'create', path: pathAt(words, 0) }];
    case 'mkdirat':
      return [{ kind: 'create', path: pathAt(words, 1) }];
    case 'unlink':
    case 'rmdir':
      return [{ kind: 'remove', path: pathAt(words, 0) }];
    case 'unlinkat':
      return [{ kind: 'remove', path: pathAt(words, 1) }];
    case 'execve':
      return [{ kind: 'run', words: strings(args) }];
    default:
      return [];
  }
}

/** A descriptor of a socket shows both ends, of a file its path; anything else is nobody's disk. */
function written(target: string): Action[] {
  const socket = /^(?:TCP|TCPv6):\[(.*?)->/.exec(target);
  if (socket !== null) return [{ kind: 'send', local: socket[1] ?? '' }];
  return target.startsWith('/') ? [{ kind: 'write', path: target }] : [];
}

interface Word {
  /** As it stands, without what `-y` adds. */
  readonly text: string;
  /** What the descriptor is, where it is one. */
  readonly file?: string;
  /** The string, where it is one. */
  readonly string?: string;
}

/** Arguments at the top level. Braces and brackets keep theirs together; strings hold any character. */
function wordsOf(args: string): Word[] {
  const words: Word[] = [];
  let depth = 0;
  let from = 0;
  let at = 0;
  const take = (): void => {
    const raw = args.slice(from, at).trim();
    const fd = /^(AT_FDCWD|\d+)<(.*?)>(?:\(deleted\))?$/s.exec(raw);
    const text = /^"((?:[^"\\]|\\.)*)"/s.exec(raw);
    words.push({
      text: fd?.[1] ?? raw,
      ...(fd === null ? {} : { file: (fd[2] ?? '').replace(/ \(deleted\)$/, '') }),
      ...(text === null ? {} : { string: unescape(text[1] ?? '') }),
    });
  };
  for (; at < args.length; at++) {
    const character = args[at];
    if (character === '"') {
      for (at += 1; at < args.length && args[at] !== '"'; at++) if (args[at] === '\\') at += 1;
    } else if (character === '<' && /[\dD]$/.test(args.slice(from, at))) {
      depth += 1;
    } else if (character === '>' && depth > 0 && args[at - 1] !== '-') {
      depth -= 1;
    } else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === ',' && depth <= 0) {
      take();
      from = at + 1;
    }
  }
  if (args.slice(from).trim() !== '') take();
  return words;
}

/** The path at a position, from the directory before it where it is relative. */
function pathAt(words: readonly Word[], at: number): string {
  const path = words[at]?.string ?? '';
  return posix.isAbsolute(path) ? posix.normalize(path) : posix.join(words[at - 1]?.file ?? '', path);
}

function strings(args: string): string[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => unescape(match[1] ?? ''));
}

function unescape(text: string): string {
  return text.replace(/\\(["\\])/g, '$1');
}
