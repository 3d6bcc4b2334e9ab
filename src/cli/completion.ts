/** Writes the completion scripts of shells from the table of commands and their flags. */
import type { Flag } from './options/flags.js';

export interface CompletedCommand {
  /** One word, or two. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
}

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type Shell = (typeof SHELLS)[number];

/** Names that the program is installed under. */
const PROGRAMS = ['rolesanywhere', 'aws_signing_helper'];

export function formatCompletion(shell: Shell, commands: readonly CompletedCommand[]): string {
  return { bash, zsh, fish, powershell }[shell](commands);
}

function takesFile({ kind }: Flag): boolean {
  return kind.type === 'source' || kind.type === 'path';
}

function takesValue({ kind }: Flag): boolean {
  return kind.type !== 'boolean';
}

function flagNames(flags: readonly Flag[]): string {
  return flags.map(({ flag }) => `--${flag}`).join(' ');
}

/** The first words of commands, and the second words by the first word of a two-word command. */
function wordsAfter(commands: readonly CompletedCommand[], first?: string): string {
  const words = commands
    .map(({ name }) => name.split(' '))
    .filter(([word]) => first === undefined || word === first)
    .map(([word, second]) => (first === undefined ? word : second));
  return [...new Set(words)].filter((word) => word !== undefined).join(' ');
}

/** First words of two-word commands. */
function groupsOf(commands: readonly CompletedCommand[]): string[] {
  const groups = commands.map(({ name }) => name.split(' ')).filter(({ length }) => length === 2);
  return [...new Set(groups.map(([first = '']) => first))];
}

function bash(commands: readonly CompletedCommand[]): string {
  const groups = groupsOf(commands);
  const files = [
    ...new Set(commands.flatMap(({ flags }) => flags.filter(takesFile)).map(({ flag }) => `--${flag}`)),
  ];
  const values = [
    ...new Set(commands.flatMap(({ flags }) => flags.filter(takesValue)).map(({ flag }) => `--${flag}`)),
  ];
  return `# bash completion for rolesanywhere: eval "$(rolesanywhere completion bash)"
# For bash 3.2 too, which macOS has: without mapfile, and without source <(…).
_rolesanywhere_reply() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}
_rolesanywhere() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=\${COMP_WORDS[1]} words=
  # bash takes = for a word of its own: --flag=VALUE.
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD - 2]}
  [[ $current == = ]] && current=
  COMPREPLY=()
  case $previous in
    ${files.join('|')})
      compopt -o filenames 2>/dev/null
      _rolesanywhere_reply < <(compgen -f -- "$current")
      return ;;
    ${values.filter((flag) => !files.includes(flag)).join('|')}) return ;;
  esac
  case $command in ${groups.join('|')})
    ((COMP_CWORD > 2)) && command="$command \${COMP_WORDS[2]}" ;;
  esac
  if ((COMP_CWORD == 1)); then
    words='${wordsAfter(commands)} help'
  else
    case $command in
${groups.map((group) => `      '${group}') words='${wordsAfter(commands, group)}' ;;`).join('\n')}
${commands.map(({ name, flags }) => `      '${name}') words='${flagNames(flags)}' ;;`).join('\n')}
    esac
  fi
  _rolesanywhere_reply < <(compgen -W "$words" -- "$current")
}
complete -F _rolesanywhere ${PROGRAMS.join(' ')}
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const describe = ({ name, summary }: CompletedCommand): string =>
    `'${escapeZsh(name.replace(' ', '\\ '))}:${escapeZsh(summary)}'`;
  const cases = commands.map(
    ({ name, flags }) =>
      `    '${name}') _arguments -s : ${flags.map(zshFlag).join(' ')} '*::argument:_default' ;;`,
  );
  const groups = groupsOf(commands);
  return `#compdef ${PROGRAMS.join(' ')}
# zsh completion for rolesanywhere: source <(rolesanywhere completion zsh), behind compinit
_rolesanywhere() {
  local command=$words[2]
  if ((CURRENT == 2)); then
    local -a commands=(${commands
      .filter(({ name }) => !name.includes(' '))
      .map(describe)
      .concat(groups.map((group) => `'${group}'`))
      .join(' ')})
    _describe command commands
    return
  fi
  case $command in ${groups.join('|')})
    if ((CURRENT == 3)); then
      case $command in
${groups.map((group) => `        ${group}) compadd ${wordsAfter(commands, group)} ;;`).join('\n')}
      esac
      return
    fi
    command="$command $words[3]"
    shift words
    ((CURRENT--)) ;;
  esac
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
compdef _rolesanywhere ${PROGRAMS.join(' ')}
`;
}

function zshFlag(flag: Flag): string {
  const action = takesFile(flag) ? ':file:_files' : takesValue(flag) ? ':value: ' : '';
  return `'*--${flag.flag}${takesValue(flag) ? '=' : ''}[${escapeZsh(flag.help)}]${action}'`;
}

/** Inside single quotes and brackets. */
function escapeZsh(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, '\\$&').replaceAll("'", `'\\''`);
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, flags }) => {
    const [first = '', second] = name.split(' ');
    const seen =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    const own =
      second === undefined
        ? '__fish_use_subcommand'
        : `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${second}`;
    return [
      `-n '${own}' -f -a ${second ?? first} -d ${quoteFish(summary)}`,
      ...flags.map((flag) => `-n '${seen}' -l ${flag.flag}${fishValue(flag)} -d ${quoteFish(flag.help)}`),
    ];
  });
  const groups = groupsOf(commands).map((group) => `-n __fish_use_subcommand -f -a ${group}`);
  const programs = PROGRAMS.flatMap((program) =>
    ['-f', ...groups, ...lines].map((line) => `complete -c ${program} ${line}`),
  );
  return `# fish completion for rolesanywhere: rolesanywhere completion fish | source
${programs.join('\n')}
`;
}

function fishValue(flag: Flag): string {
  if (takesFile(flag)) return ' -r -F';
  return takesValue(flag) ? ' -x' : ' -f';
}

function quoteFish(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

function powershell(commands: readonly CompletedCommand[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const tables = commands.map(
    ({ name, flags }) => `    ${quote(name)} = @(${flags.map(({ flag }) => quote(`--${flag}`)).join(', ')})`,
  );
  return `# PowerShell completion for rolesanywhere:
# rolesanywhere completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName ${PROGRAMS.join(', ')} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = @{
${tables.join('\n')}
  }
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  $line = ($words -join ' ') + ' '
  $command = $commands.Keys | Where-Object { $line.StartsWith("$_ ") } | Select-Object -First 1
  $candidates = if ($command) { $commands[$command] } else { $commands.Keys | Sort-Object }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}
