import { parseDuration } from '../../config/units.ts';
import { viewNamed } from '../../config/views.ts';
import { allViewsOf } from '../../config/workspaces.ts';
import { type ApiKey, isKeyName, keyHash, newKey } from '../../http/key-file.ts';
import { BridgeError } from '../../model/errors.ts';
import { changeKeys } from '../change-keys.ts';
import { type CommandContext, wholeConfigOf } from '../session.ts';

const DAY_MS = 86_400_000;
const MAX_DAYS = 3650;

interface CreateOptions {
  readonly view?: readonly string[] | undefined;
  readonly expires?: string | undefined;
}

export async function run(context: CommandContext, options: CreateOptions, name: string): Promise<number> {
  const { output } = context;
  if (!isKeyName(name)) {
    throw new BridgeError(
      'usage',
      'The name of a key has 1 to 64 letters, digits, dots, dashes or underscores.',
      {
        hint: 'It begins with a letter or a digit.',
      },
    );
  }
  const { config } = await wholeConfigOf(context, false);
  const known = allViewsOf(config);
  const views = [...new Set(options.view)];
  if (views.length === 0) {
    const hint = `Name one with --view, several by repeating it. Configured: ${[...known.keys()].join(', ')}.`;
    throw new BridgeError('usage', 'A key needs the views that its holder may use.', { hint });
  }
  for (const view of views) viewNamed(known, view);
  const created = new Date();
  const expires = options.expires === undefined ? undefined : endAfter(created, options.expires);
  const key = newKey();
  const entry: ApiKey = { name, sha256: keyHash(key), views, created, expires };
  await changeKeys(config.keysFile, (keys) => {
    if (!keys.some((one) => one.name === name)) return [...keys, entry];
    throw new BridgeError('usage', `A key called ${name} exists.`, {
      hint: 'Choose another name; several keys are valid at once. Or revoke that key first.',
    });
  });
  output.data({ name, key, views, created, expires: expires ?? null }, () => key);
  output.note(
    `This key is not shown again. Clients send it as Authorization: Bearer. Its hash is in ${config.keysFile}.`,
  );
  return 0;
}

function endAfter(created: Date, text: string): Date {
  const days = /^(\d+(?:\.\d+)?) ?d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDuration(text) : Math.round(Number(days) * DAY_MS);
  if (ms === undefined || ms <= 0 || ms > MAX_DAYS * DAY_MS) {
    const message = `--expires expects a duration with its unit (s, m, h or d), at most ${MAX_DAYS}d.`;
    throw new BridgeError('usage', message, { hint: 'For example --expires 90d.' });
  }
  return new Date(created.getTime() + ms);
}
