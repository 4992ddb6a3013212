import { createApp } from '../../src/app/app.ts';
import { cli, type CliRun } from './fake-cli.ts';
import { cleanEnvironment, PROGRAM, ROOT, type StartOptions } from './program.ts';

/**
 * Runs a command with an app of its own in this process, which takes a fraction of a start of the program. For tests of
 * what a command does; what a process adds is the same for every command.
 */
export async function runHere(
  args: readonly string[],
  { env, cwd = ROOT }: Omit<StartOptions, 'program'> = {},
): Promise<CliRun> {
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const io = { createApp, program: { node: process.execPath, script: PROGRAM } };
    return await cli(args, { env: cleanEnvironment(env), io });
  } finally {
    process.chdir(before);
  }
}
