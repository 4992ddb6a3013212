import type { EffectiveSetting } from '../../config/load.ts';
import { table } from '../layout.ts';
import { type CommandContext, configOf } from '../session.ts';

const MASK = '********';

export async function run(context: CommandContext): Promise<number> {
  const { settings, file } = await configOf(context, false);
  const secrets = new Set(
    settings
      .filter(({ setting }) => setting.secret === true)
      .map(({ setting }) => setting.path.split('.')[1] ?? ''),
  );
  const rows = settings.map((entry) => ({
    path: entry.setting.path,
    value: shownValue(entry, secrets),
    source: entry.source,
    env: entry.setting.env ?? null,
    secret: entry.setting.secret === true,
  }));
  const { width } = context.output;
  context.output.data({ file: file ?? null, settings: rows }, () =>
    table(
      [
        ['SETTING', 'SOURCE', 'VALUE'],
        ...rows.map(({ path, value, source }) => [
          path,
          width === undefined ? source : shortSource(source),
          asText(value),
        ]),
      ],
      { width },
    ),
  );
  return 0;
}

/** Returns the kind of a source, which fits on a terminal, and the line in the file. */
function shortSource(source: string): string {
  return source.replace(/^file .*:(\d+)(?: .*)?$/, 'file:$1').split(' ')[0] ?? '';
}

function shownValue({ setting, value }: EffectiveSetting, secrets: ReadonlySet<string>): unknown {
  if (value === undefined) return null;
  if (setting.secret === true) return MASK;
  // The settings of a workspace have the same names.
  return setting.path === 'workspaces' ? masked(value, secrets) : value;
}

function masked(value: unknown, secrets: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, secrets.has(name) ? MASK : masked(part, secrets)]),
  );
}

function asText(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}
