import type { EffectiveSetting } from '../../config/load.ts';
import { table } from '../layout.ts';
import { type CommandContext, configOf } from '../session.ts';

const MASK = '********';

export async function run(context: CommandContext): Promise<number> {
  const { settings, file } = await configOf(context, false);
  const rows = settings.map((entry) => ({
    path: entry.setting.path,
    value: shownValue(entry),
    source: entry.source,
    env: entry.setting.env ?? null,
    secret: entry.setting.secret === true,
  }));
  context.output.data({ file: file ?? null, settings: rows }, () =>
    table(
      [
        ['SETTING', 'SOURCE', 'VALUE'],
        ...rows.map(({ path, value, source }) => [path, source, asText(value)]),
      ],
      { width: context.output.width, omit: [1] },
    ),
  );
  return 0;
}

function shownValue({ setting, value }: EffectiveSetting): unknown {
  if (value === undefined) return null;
  return setting.secret === true ? MASK : value;
}

function asText(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}
