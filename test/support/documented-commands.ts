import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The commands of one `sh` block of a document, in their order. */
export interface CommandBlock {
  /** Its location, such as `docs/manifests.md:8`. */
  readonly place: string;
  readonly commands: readonly string[];
}

/** Languages of a fence that would be commands as well, and that nobody would run. */
const OTHER_SHELLS = /^(bash|shell|zsh|console|shell-session|powershell)$/;

/** The documents that a reader copies commands from. */
export function commandDocuments(root: string): readonly string[] {
  const manifests = readdirSync(join(root, 'manifests'), { recursive: true, encoding: 'utf8' });
  return [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
    ...manifests.map((name) => `manifests/${name}`).filter((path) => path.endsWith('/README.md')),
  ].filter((path) => path.endsWith('.md'));
}

/** The `sh` blocks of a document. Throws on a block of commands that is not called `sh`. */
export function commandBlocks(path: string, text: string): readonly CommandBlock[] {
  const lines = text.split('\n');
  const blocks: CommandBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const fence = /^ *(`{3,})([\w-]*)/.exec(lines[index] ?? '');
    if (fence === null) continue;
    const [, ticks = '', language = ''] = fence;
    const place = `${path}:${index + 1}`;
    const end = lines.findIndex((line, at) => at > index && line.trim() === ticks);
    if (end === -1) throw new Error(`${place}: the block has no end.`);
    if (OTHER_SHELLS.test(language)) throw new Error(`${place}: a block of commands is called sh.`);
    if (language === 'sh') blocks.push({ place, commands: commandsOf(lines.slice(index + 1, end)) });
    index = end;
  }
  return blocks;
}

/** All blocks of all documents. */
export function documentedCommands(root: string): readonly CommandBlock[] {
  return commandDocuments(root).flatMap((path) =>
    commandBlocks(path, readFileSync(join(root, path), 'utf8')),
  );
}

/** Lines that end in a backslash joined, comments and empty lines left out. */
function commandsOf(lines: readonly string[]): readonly string[] {
  return lines
    .map((line) => line.trim())
    .join('\n')
    .replace(/\\\n/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/ +# .*$/, ''));
}
