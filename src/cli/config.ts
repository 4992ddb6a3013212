import type { EffectiveSetting } from '../config/load.ts';
import { count, table } from './output.ts';
import { type CommandContext, configOf } from './session.ts';

const MASK = '********';

/** `config check`: prints warnings, or throws with everything that is wrong. */
export async function checkConfig(context: CommandContext): Promise<number> {
  const { output } = context;
  const { warnings, file } = await configOf(context, true);
  output.data({ ok: true, file: file ?? null, warnings }, () => {
    const lines = warnings.map(
      ({ path, message }) => `${output.paint('yellow', 'warning:')} ${path}: ${message}`,
    );
    const read = file === undefined ? '' : ` (file ${file})`;
    const verdict = warnings.length === 0 ? 'no warnings' : count(warnings.length, 'warning');
    return [...lines, `The configuration is valid${read}: ${verdict}.`].join('\n');
  });
  return 0;
}

/** `config show`: every setting with its value and source; secrets are masked. */
export async function showConfig(context: CommandContext): Promise<number> {
  const { settings, file } = await configOf(context, false);
  const rows = settings.map((entry) => ({
    path: entry.setting.path,
    value: shownValue(entry),
    source: entry.source,
    env: entry.setting.env ?? null,
    secret: entry.setting.secret === true,
  }));
  context.output.data({ file: file ?? null, settings: rows }, () =>
    table([
      ['SETTING', 'VALUE', 'SOURCE'],
      ...rows.map(({ path, value, source }) => [path, asText(value), source]),
    ]),
  );
  return 0;
}

/** `config schema`: the JSON Schema of the configuration file. */
export async function printSchema(context: CommandContext): Promise<number> {
  const { configFileSchema } = await import('../config/schema.ts');
  context.output.raw(JSON.stringify(configFileSchema(), null, 2));
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
