import { hasExpired } from '../../http/key-file.ts';
import { storedKeys } from '../change-keys.ts';
import { table } from '../layout.ts';
import { type CommandContext, configOf } from '../session.ts';

export async function run(context: CommandContext): Promise<number> {
  const { output } = context;
  const { config } = await configOf(context, false);
  const keys = storedKeys(config.keysFile).map((key) => {
    const { name, views, created, expires } = key;
    return { name, views, created, expires: expires ?? null, expired: hasExpired(key) };
  });
  output.data({ file: config.keysFile, keys }, () => {
    if (keys.length === 0) return output.prose(`No key is stored in ${config.keysFile}.`);
    const rows = keys.map(({ name, views, created, expires, expired }) => [
      name,
      day(created),
      expires === null ? 'never' : `${day(expires)}${expired ? ' (expired)' : ''}`,
      views.join(', '),
    ]);
    return table([['NAME', 'CREATED', 'EXPIRES', 'VIEWS'], ...rows], { width: output.width, omit: [1] });
  });
  return 0;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
