import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Place {
  /** "restore run"; empty at the top. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

/** A script for the shell, made from the commands themselves, so that it cannot fall behind them. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, '');
  return shell === 'fish' ? fish(places) : shell === 'zsh' ? zsh(places) : bash(places);
}

function placesOf(command: Command, path: string): Place[] {
  const words = [
    ...command.commands.map((child) => ({ word: child.name(), about: child.description() })),
    ...command.options
      .filter(({ long, hidden }) => long !== undefined && !hidden)
      .map(({ long, description }) => ({ word: long as string, about: description })),
    { word: '--help', about: 'help for the command' },
  ];
  return [
    { path, words },
    ...command.commands.flatMap((child) =>
      placesOf(child, path === '' ? child.name() : `${path} ${child.name()}`),
    ),
  ];
}

function bash(places: readonly Place[]): string {
  const cases = places.map(
    ({ path, words }) =>
      `    ${JSON.stringify(path)}) words=${JSON.stringify(words.map(({ word }) => word).join(' '))} ;;`,
  );
  return `# lockstep completion for bash: source <(lockstep completion bash)
_lockstep() {
  local current path="" word words=""
  current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
${cases.join('\n')}
    esac
    [ -n "$words" ] && break
    case "$path" in *" "*) path="\${path% *}" ;; "") break ;; *) path="" ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _lockstep lockstep
`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef lockstep
# lockstep completion for zsh: source <(lockstep completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(places).split('\n').slice(1).join('\n')}`;
}

function fish(places: readonly Place[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ word, about }) => {
      const kind = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c lockstep -n ${quote(`__lockstep_at ${quote(path).slice(1, -1) === '' ? '""' : path}`)} ${kind} -d ${quote(about)}`;
    }),
  );
  return `# lockstep completion for fish: lockstep completion fish | source
function __lockstep_at
    set -l words (commandline -opc | string match -v -- '-*')
    test "$words[2..-1]" = "$argv"
end
complete -c lockstep -f
${lines.join('\n')}
`;
}
