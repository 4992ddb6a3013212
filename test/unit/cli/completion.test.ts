import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli } from './fake-cli.ts';

const execute = promisify(execFile);
const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** Every command, by the words that lead to it. */
const COMMANDS = ['serve', 'install', 'tools', 'tools list', 'manifest pull', 'config check', 'help'];

const scripts = new Map<string, string>();
const folder = mkdtempSync(join(tmpdir(), 'bridge-completion-'));

beforeAll(async () => {
  for (const shell of SHELLS) {
    const { stdout } = await cli(['completion', shell]);
    scripts.set(shell, stdout);
  }
  writeFileSync(join(folder, 'completion.bash'), scripts.get('bash') ?? '');
  writeFileSync(join(folder, 'my bridge.yaml'), '');
  mkdirSync(join(folder, 'approved'));
});

/** What bash offers after some words; the last one is being typed. */
async function complete(...words: readonly string[]): Promise<readonly string[]> {
  const script = `
    source completion.bash
    COMP_WORDS=(dify-mcp-bridge "$@")
    COMP_CWORD=$#
    _dify_mcp_bridge
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await execute('bash', ['--norc', '-uc', script, 'bash', ...words], {
    cwd: folder,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash completes', () => {
  it('commands, of the program and of a group', async () => {
    expect(await complete('in')).toEqual(['init', 'install']);
    expect(await complete('tools', '')).toEqual(
      expect.arrayContaining(['list', 'show', 'explain', '--config']),
    );
    expect(await complete('tools', 'e')).toEqual(['explain']);
    expect(await complete('nonsense', 'in')).toEqual(['init', 'install']);
  });

  it('options of the command and of the program', async () => {
    expect(await complete('serve', '--ho')).toEqual(['--host']);
    expect(await complete('serve', '--o')).toEqual(['--output']);
    expect(await complete('tools', 'list', '--vi')).toEqual(['--view']);
    expect(await complete('tools', 'list', '--http')).toEqual([]);
    expect(await complete('-o', 'json', 'tools', 'l')).toEqual(['list']);
  });

  it('choices, of arguments and of options', async () => {
    expect(await complete('install', 'c')).toEqual([
      'claude-desktop',
      'claude-code',
      'cursor',
      'cherry-studio',
    ]);
    expect(await complete('completion', '')).toEqual(expect.arrayContaining([...SHELLS]));
    expect(await complete('tools', 'list', '-o', '')).toEqual(['text', 'json']);
    expect(await complete('install', 'cursor', '--command', 'l')).toEqual(['local']);
    // This one may stand alone too, and then an option follows.
    expect(await complete('serve', '--sandbox', 'f')).toEqual(['files']);
    expect(await complete('serve', '--sandbox', '--htt')).toEqual(['--http']);
  });

  it('files and folders, and nothing where it cannot know', async () => {
    expect(await complete('--config', 'my')).toEqual(['my bridge.yaml']);
    expect(await complete('manifest', 'pull', '--dir', '')).toEqual(['approved']);
    expect(await complete('serve', '--port', '')).toEqual([]);
  });
});

describe('the script for', () => {
  it.each(SHELLS)('%s names every command', (shell) => {
    const script = scripts.get(shell) ?? '';
    for (const command of COMMANDS) expect(script).toContain(`/${command.replace(' ', '/')}`);
    expect(script).toContain('files');
    expect(script).not.toContain('undefined');
  });

  it('zsh has its parts in balance, and quotes what it describes', () => {
    const script = scripts.get('zsh') ?? '';
    expect(script.match(/^\s*case /gm)?.length).toBe(script.match(/^\s*esac$/gm)?.length);
    expect(script.match(/entries\+=\($/gm)?.length).toBe(script.match(/^\s*\) ;;$/gm)?.length);
    for (const line of script.split('\n').filter((one) => /^ {8}\S/.test(one))) {
      expect(line).toMatch(/^ {8}'(?:[^']|'\\'')*'$/);
    }
  });

  it('fish has one line for each thing that it offers', () => {
    const lines = (scripts.get('fish') ?? '').split('\n').filter((line) => line.startsWith('complete'));
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines.slice(1)) {
      expect(line).toMatch(
        /^complete -c dify-mcp-bridge -n '__dify_mcp_bridge_at "[^"]*"'( -[slradFx]| '(?:[^'\\]|\\.)*'| [\w-]+)+$/,
      );
    }
  });

  // Where the shells are installed, they read the scripts themselves.
  const installed = SHELLS.filter((shell) =>
    ['/bin', '/usr/bin', '/usr/local/bin'].some((bin) => existsSync(join(bin, shell))),
  );
  it.each(installed)('%s is understood by it', async (shell) => {
    const path = join(folder, `check.${shell}`);
    writeFileSync(path, scripts.get(shell) ?? '');
    const { stderr } = await execute(shell, ['-n', path]);
    expect(stderr).toBe('');
  });
});

it('another shell is refused', async () => {
  const run = await cli(['completion', 'powershell']);
  expect(run.code).toBe(2);
  expect(run.stderr).toContain('bash, zsh, fish');
});
