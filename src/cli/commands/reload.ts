import { BridgeError } from '../../model/errors.ts';
import { visibleLine } from '../../model/invisible-characters.ts';
import { reloadAll } from '../reload-socket.ts';
import type { CommandContext } from '../session.ts';

/** `reload`: makes the running bridges of this user read their configuration again. Exit code 2 if one could not. */
export async function run({ io, output }: CommandContext): Promise<number> {
  const reports = await reloadAll(io.env);
  if (reports.length === 0) {
    throw new BridgeError('usage', 'No bridge of this user is running here.', {
      hint: 'Run the command as the same user, in the same container and with the same TMPDIR as the bridge. Or send the process SIGHUP.',
    });
  }
  output.data(reports, () =>
    reports
      .flatMap(({ pid, error, needRestart }) => [
        error === undefined
          ? `Process ${pid} reads its new configuration.`
          : `Process ${pid} has not reloaded its configuration: ${visibleLine(error.message)}`,
        ...(error?.problems ?? []).map(({ path, message }) => visibleLine(`- ${path}: ${message}`)),
        ...(needRestart.length === 0 ? [] : [`It must be restarted for ${needRestart.join(', ')}.`]),
      ])
      .join('\n'),
  );
  return reports.some(({ error }) => error !== undefined) ? 2 : 0;
}
